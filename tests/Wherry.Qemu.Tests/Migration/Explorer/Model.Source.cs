using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Tests.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>The source daemon: executes one effect, takes one input, crashes, restarts.</summary>
internal sealed partial class Model
{
    private readonly Steps<SourceState, SourceInput, SourceEffect> _sourceSteps = new(
        (state, input) =>
        {
            var step = SourceMachine.Step(state, input);
            return (step.Next, step.Effects);
        },
        Blur);

    private readonly Interned<SourceRecord> _sourceRecords = new();
    private readonly Interned<SourceInput> _sourceResults = new();
    private readonly List<SourceInput> _sourceAlphabet;
    private readonly Dictionary<ushort, (ulong Inbox, ushort Timers, int Results)> _sourceCares = [];

    private static SourceState Blur(SourceState state) => state switch
    {
        SourceState.Handed s => s with { Tries = 0, Verdict = s.Verdict is null ? null : Blur(s.Verdict) },
        SourceState.Reclaiming s => s with { Why = AnyFailure },
        SourceState.PostCopy s => s with { Tries = 0, Why = s.Why is null ? null : AnyFailure },
        SourceState.Released s => s with { Tries = 0, Lost = s.Lost is null ? null : AnyFailure },
        SourceState.Closed s => s with { Outcome = Blur(s.Outcome) },
        _ => state,
    };

    private static SourceRecord Blur(SourceRecord record) => record with
    {
        Why = record.Why is null ? null : record.Why.Kind == FailureKind.PeerAborted ? new(FailureKind.PeerAborted, "any") : AnyFailure, // a restart looks at no other
        Outcome = record.Outcome is null ? null : Blur(record.Outcome),
    };

    private static MigrationOutcome Blur(MigrationOutcome outcome) => outcome switch
    {
        MigrationOutcome.StayedOnSource => new MigrationOutcome.StayedOnSource(AnyFailure),
        MigrationOutcome.NeedsDecision => new MigrationOutcome.NeedsDecision("", ""),
        MigrationOutcome.PostCopyLost => new MigrationOutcome.PostCopyLost(AnyFailure),
        _ => outcome,
    };

    private void ExpandSource(in World world, Successors to)
    {
        if (world.SourceFenced) return;
        if (!world.Source.Up)
        {
            RestartSource(world, to);
            return;
        }
        CrashSource(world, to);
        if (world.Source.Effects != 0)
        {
            ExecuteSource(world, to);
            return;
        }
        foreach (var (input, luck) in SourceInputs(world))
            FeedSource(world, input, luck, to);
        TakeSourceResults(world, to);
        FireSourceTimers(world, to);
    }

    private void CrashSource(in World world, Successors to)
    {
        if (world.Source.Crashes >= _scenario.Crashes || IsSettled(world)) return;
        var next = world;
        next.Source = new Daemon
        {
            Record = world.Source.Record,
            Crashes = (byte)(world.Source.Crashes + 1),
            JournalFailures = world.Source.JournalFailures,
        };
        to.Add(next, Luck.Fault, "source daemon: CRASH");
    }

    private void RestartSource(in World world, Successors to)
    {
        var next = world;
        next.Source.Up = true;
        var evidence = new QemuEvidence(
            world.SourceQemu != Vcpus.Dead, world.SourceQemu == Vcpus.Running, (StreamStatus)world.Stream);
        if (world.Source.Record == 0)
        {
            // It died before its first write: no attempt, nothing to undo.
            var closed = new SourceState.Closed(
                new SourceAttempt { Id = _ids[world.Attempt], Mode = _scenario.Mode, Limits = Limits }, Blur(new MigrationOutcome.StayedOnSource(AnyFailure)));
            next.Source.Record = _sourceRecords.Of(Blur(closed.Attempt.Record(SourcePhase.Closed)));
            AdoptSource(ref next, _sourceSteps.Number(closed, []));
        }
        else
        {
            var record = _sourceRecords[world.Source.Record];
            if (_scenario.Without == Ablation.DeadIsFree && !evidence.Alive && record.Phase is SourcePhase.OwnSend or SourcePhase.Reclaiming)
                record = record with { Phase = SourcePhase.OwnCopy };
            var step = SourceMachine.Restarted(record, evidence, Limits);
            AdoptSource(ref next, _sourceSteps.Number(step.Next, step.Effects));
        }
        to.Add(next, Luck.Fair, "source daemon restarts, record", world.Source.Record == 0 ? "none" : _sourceRecords[world.Source.Record].Phase);
    }

    private void FeedSource(in World world, SourceInput input, Luck luck, Successors to)
    {
        var next = world;
        if (!Feed(ref next, input)) return;
        to.Add(next, luck, "source <-", input);
    }

    /// <summary>False if the machine does not care.</summary>
    private bool Feed(ref World world, SourceInput input)
    {
        var step = _sourceSteps.Of(world.Source.State, _sourceSteps.Inputs.Of(input));
        if (step.Next == world.Source.State && step.Effects == 0) return false;
        AdoptSource(ref world, step);
        return true;
    }

    private void AdoptSource(ref World world, (ushort Next, ushort Effects) step)
    {
        world.Source.State = step.Next;
        world.Source.Effects = step.Effects;
        ExecuteLocalSourceEffects(ref world);
    }

    /// <summary>Effects which nobody outside sees need no crash before them: it would leave what a crash after them leaves.</summary>
    private void ExecuteLocalSourceEffects(ref World world)
    {
        while (world.Source.Effects != 0)
        {
            switch (_sourceSteps.Effects.Head(world.Source.Effects))
            {
                case SourceEffect.ArmTimer arm:
                    world.Source.Timers |= (ushort)(1 << (int)arm.Timer);
                    break;
                case SourceEffect.DisarmTimer disarm:
                    world.Source.Timers &= (ushort)~(1 << (int)disarm.Timer);
                    break;
                case SourceEffect.StartMirrors:
                    AddResult(ref world, new SourceInput.MirrorsReady());
                    AddResult(ref world, new SourceInput.MirrorFailed(AnyFailure));
                    break;
                case SourceEffect.DrainMirrors:
                    AddResult(ref world, new SourceInput.MirrorsDrained());
                    AddResult(ref world, new SourceInput.MirrorFailed(AnyFailure));
                    break;
                case SourceEffect.UndoPreparations:
                    AddResult(ref world, new SourceInput.PreparationsUndone());
                    break;
                case SourceEffect.Tell or SourceEffect.Admit or SourceEffect.Refuse or SourceEffect.RaiseAlarm or
                    SourceEffect.YankStream or SourceEffect.RetireDomain or SourceEffect.LookAtStream or
                    SourceEffect.StartPostCopy or SourceEffect.ShowPostCopy:
                    break;
                default:
                    return;
            }
            world.Source.Effects = _sourceSteps.Effects.Tail(world.Source.Effects);
        }
    }

    private void ExecuteSource(in World world, Successors to)
    {
        var effect = _sourceSteps.Effects.Head(world.Source.Effects);
        var next = world;
        next.Source.Effects = _sourceSteps.Effects.Tail(world.Source.Effects);
        switch (effect)
        {
            case SourceEffect.Persist persist:
                PersistSource(world, next, persist.Record, to);
                return;
            case SourceEffect.AnswerBegin or SourceEffect.CallPrepare:
                if (_scenario.Mode == MigrationMode.PeerToPeer || world.ClientAlive) next.Send(world.Attempt, Message.Prepare);
                if (effect is SourceEffect.CallPrepare) AddResult(ref next, new SourceInput.PrepareFailed(AnyFailure)); // Its deadline.
                break;
            case SourceEffect.AnswerPerform:
                next.PerformAnswered = true;
                break;
            case SourceEffect.StartStream when IsAlive(world.SourceQemu):
                next.Stream = (byte)StreamStatus.Active;
                break;
            case SourceEffect.ContinueStream when (StreamStatus)world.Stream == StreamStatus.PreSwitchover && IsAlive(world.SourceQemu):
                next.Stream = (byte)StreamStatus.Device;
                next.StreamSent |= (byte)(1 << world.Attempt);
                break;
            case SourceEffect.CancelStream:
                CancelStream(ref next, to);
                break;
            case SourceEffect.Cont:
                ContSource(world, next, to);
                return;
            case SourceEffect.KillQemu:
                KillSource(ref next, to);
                break;
            case SourceEffect.AskPeer ask:
                // Finish or Resolve, over this connection or another: every way at once.
                foreach (var question in (ReadOnlySpan<Message>)(ask.Withdraws ? [Message.Withdraw] : [Message.Finish, Message.Resolve]))
                    next.Send(AttemptOf(ask.Id), question);
                next.Source.Asked = true;
                break;
            case SourceEffect.CancelPeer cancel:
                next.Send(AttemptOf(cancel.Id), Message.Cancel);
                break;
            case SourceEffect.RecoverStream:
                next.Send(world.Attempt, Message.Recover);
                AddResult(ref next, new SourceInput.RecoveryFailed(AnyFailure, GuestIsGone: false)); // Its deadline.
                break;
            case SourceEffect.ForgetAtPeer forget:
                next.Send(AttemptOf(forget.Id), Message.Forget);
                next.Source.Asked = true;
                break;
        }
        Done(next, Luck.Fair, effect, to);
    }

    private void Done(World next, Luck luck, SourceEffect effect, Successors to)
    {
        ExecuteLocalSourceEffects(ref next);
        to.Add(next, luck, "source does", effect);
    }

    private void PersistSource(in World world, World next, SourceRecord record, Successors to)
    {
        if (world.Source.JournalFailures < _scenario.JournalFailures)
        {
            foreach (bool oldStands in (ReadOnlySpan<bool>)[true, false])
            {
                var failed = world;
                failed.Source.JournalFailures++;
                failed.Source.Effects = 0;
                if (!oldStands) failed.Source.Record = _sourceRecords.Of(Blur(record));
                AddResult(ref failed, new SourceInput.JournalWriteFailed(record.Phase, oldStands, "any"));
                to.Add(failed, Luck.Fault, oldStands ? "source disk is full at" : "source directory flush fails at", record.Phase);
            }
        }
        if (_scenario.Without != Ablation.NoHanded || record.Phase != SourcePhase.Handed)
            next.Source.Record = _sourceRecords.Of(Blur(record));
        AddResult(ref next, new SourceInput.JournalWritten(record.Phase));
        Done(next, Luck.Fair, new SourceEffect.Persist(record), to);
    }

    private void CancelStream(ref World next, Successors to)
    {
        if (!IsAlive(next.SourceQemu)) return;
        switch ((StreamStatus)next.Stream)
        {
            case StreamStatus.Active or StreamStatus.PreSwitchover or StreamStatus.Device:
                next.Stream = (byte)StreamStatus.Cancelled;
                ResumeByItself(ref next, to);
                break;
            case StreamStatus.PostCopyActive:
                if (next.DestinationQemu == Vcpus.Running) to.Break("LOST", "post-copy is cancelled under a guest that runs on it");
                next.Stream = (byte)StreamStatus.Cancelled;
                next.Owed = false;
                break;
        }
        AddResult(ref next, new SourceInput.StreamStopped((StreamStatus)next.Stream));
    }

    private void ContSource(in World world, World next, Successors to)
    {
        var cont = new SourceEffect.Cont();
        if (!IsAlive(world.SourceQemu))
        {
            Done(next, Luck.Fair, cont, to);
            return;
        }
        bool finishMigrate = (StreamStatus)world.Stream is
            StreamStatus.PreSwitchover or StreamStatus.Device or StreamStatus.PostCopyActive or StreamStatus.PostCopyPaused;
        if (world.SourceQemu == Vcpus.Stopped && finishMigrate)
        {
            AddResult(ref next, new SourceInput.ContRefused("any"));
            Done(next, Luck.Fair, cont, to);
            return;
        }
        SourceRuns(ref next, to);
        var silent = next;
        AddResult(ref next, new SourceInput.ContAccepted());
        Done(next, Luck.Fair, cont, to);
        AddResult(ref silent, new SourceInput.ContUnknown());
        Done(silent, Luck.Fault, cont, to);
    }

    private IEnumerable<(SourceInput Input, Luck Luck)> SourceInputs(World world)
    {
        if (world.SourceQemu == Vcpus.Dead) yield return (new SourceInput.QemuGone(), Luck.Fair);
        else yield return (new SourceInput.StreamReported((StreamStatus)world.Stream), Luck.Fair);

        var id = _ids[world.Attempt];
        var state = _sourceSteps.States[world.Source.State];
        if (_scenario.Without == Ablation.RunIsPaid && state is SourceState.PostCopy && IsAlive(world.SourceQemu))
            yield return (new SourceInput.StreamReported(StreamStatus.Completed), Luck.Fair);
        if (_scenario.Without == Ablation.PostCopyIsCancelled && state is SourceState.Handed { Wait: HandedWait.Answer, Attempt.OwesMemory: true })
            yield return (new SourceInput.PeerAnswered(id, PeerAnswer.Abort), Luck.Fair);
        if (Delivers(world, world.Attempt, Message.GuestGone)) yield return (new SourceInput.RecoveryFailed(AnyFailure, GuestIsGone: true), Luck.Fair);
        if (Delivers(world, world.Attempt, Message.PrepareDone) && _scenario.Mode == MigrationMode.PeerToPeer)
            yield return (new SourceInput.PrepareReplied(PeerKind.Wherry), Luck.Fair);
        if (Delivers(world, world.Attempt, Message.PrepareError) && _scenario.Mode == MigrationMode.PeerToPeer)
            yield return (new SourceInput.PrepareFailed(AnyFailure), Luck.Fair);
        if (Delivers(world, world.Attempt, Message.Run)) yield return (new SourceInput.PeerAnswered(id, PeerAnswer.Run), Luck.Fair);
        if (Delivers(world, world.Attempt, Message.Abort)) yield return (new SourceInput.PeerAnswered(id, PeerAnswer.Abort), Luck.Fair);
        if (Delivers(world, world.Attempt, Message.Forgotten)) yield return (new SourceInput.PeerForgot(id), Luck.Fair);
        for (int earlier = 1; earlier < world.Attempt; earlier++)
        {
            if (world.Has(earlier, Message.Run)) yield return (new SourceInput.PeerAnswered(_ids[earlier], PeerAnswer.Run), Luck.Fair);
            if (world.Has(earlier, Message.Abort)) yield return (new SourceInput.PeerAnswered(_ids[earlier], PeerAnswer.Abort), Luck.Fair);
        }
        if (_scenario.Mode == MigrationMode.PeerToPeer)
        {
            yield return (new SourceInput.LinkLost(), Luck.Fault);
            yield return (new SourceInput.LinkRestored(), Luck.Fair);
        }
        yield return (new SourceInput.UserCalled(UserCall.AbortJob), Luck.Fault);
        if (_scenario.PostCopy) yield return (new SourceInput.UserCalled(UserCall.ResumePostCopy), Luck.Fair);
        if (_scenario.PostCopy) yield return (new SourceInput.UserCalled(UserCall.PausePostCopy), Luck.Fault);
        if (world.Fenced || _scenario.Without == Ablation.FencingIsProved) yield return (new SourceInput.PeerFenced(Alphabet.Fenced("bravo")), Luck.Fair);
    }

    private void TakeSourceResults(in World world, Successors to)
    {
        for (ulong left = world.Source.Inbox; left != 0; left &= left - 1)
        {
            int bit = System.Numerics.BitOperations.TrailingZeroCount(left);
            var input = _sourceResults[bit + 1];
            var next = world;
            next.Source.Inbox &= ~(1UL << bit);
            Feed(ref next, input);
            to.Add(next, input is SourceInput.MirrorFailed ? Luck.Fault : Luck.Fair, "source <-", input);
        }
        if (!world.Source.Asked) return;
        foreach (SourceInput input in (ReadOnlySpan<SourceInput>)
            [new SourceInput.PeerSilent(_ids[world.Attempt]), new SourceInput.PeerAnswered(_ids[world.Attempt], PeerAnswer.Pending)])
        {
            var next = world;
            next.Source.Asked = false;
            Feed(ref next, input);
            to.Add(next, Luck.Fair, "source <-", input);
        }
    }

    private void FireSourceTimers(in World world, Successors to)
    {
        for (int timers = world.Source.Timers; timers != 0; timers &= timers - 1)
        {
            int bit = System.Numerics.BitOperations.TrailingZeroCount(timers);
            var next = world;
            next.Source.Timers &= (ushort)~(1 << bit);
            Feed(ref next, new SourceInput.TimerExpired((SourceTimer)bit));
            to.Add(next, Luck.Fair, "source timer", (SourceTimer)bit);
        }
    }

    private void AddResult(ref World world, SourceInput input)
    {
        int bit = _sourceResults.Of(input) - 1;
        Assert.True(bit < 64, "the mailbox has 64 kinds of results");
        world.Source.Inbox |= 1UL << bit;
    }

    /// <summary>Which results and timers can still matter to a machine in this state.</summary>
    private (ulong Inbox, ushort Timers) SourceCaresFor(ushort state)
    {
        if (_sourceCares.TryGetValue(state, out var cares) && cares.Results == _sourceResults.All.Count) return (cares.Inbox, cares.Timers);
        var relevant = _sourceSteps.Relevant(state, _sourceAlphabet);
        ulong inbox = 0;
        for (int bit = 0; bit < _sourceResults.All.Count; bit++)
        {
            if (relevant.Contains(_sourceResults[bit + 1])) inbox |= 1UL << bit;
        }
        ushort timers = 0;
        foreach (var timer in Enum.GetValues<SourceTimer>())
        {
            if (relevant.Contains(new SourceInput.TimerExpired(timer))) timers |= (ushort)(1 << (int)timer);
        }
        _sourceCares[state] = (inbox, timers, _sourceResults.All.Count);
        return (inbox, timers);
    }

    private static bool IsAlive(Vcpus qemu) => qemu is not (Vcpus.Dead or Vcpus.None);
}
