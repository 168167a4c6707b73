using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Tests.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>The destination daemon, and the registry that routes calls by hand-over id.</summary>
internal sealed partial class Model
{
    private readonly Steps<DestinationState, DestinationInput, DestinationEffect> _destinationSteps = new(
        (state, input) =>
        {
            var step = DestinationMachine.Step(state, input);
            return (step.Next, step.Effects);
        },
        Blur);

    private readonly Interned<DestinationRecord> _destinationRecords = new();
    private readonly Interned<DestinationInput> _destinationResults = new();
    private readonly List<DestinationInput> _destinationAlphabet;
    private readonly Dictionary<ushort, (ulong Inbox, ushort Timers, int Results)> _destinationCares = [];

    private static DestinationState Blur(DestinationState state) => state switch
    {
        DestinationState.Starting s => s with { Why = s.Why is null ? null : AnyFailure },
        DestinationState.Aborting s => s with { Why = AnyFailure },
        DestinationState.Aborted s => s with { Why = AnyFailure },
        _ => state,
    };

    private void ExpandDestination(in World world, Successors to)
    {
        if (world.Fenced) return;
        if (!world.Destination.Up)
        {
            RestartDestination(world, to);
            return;
        }
        CrashDestination(world, to);
        if (world.Destination.Effects != 0)
        {
            ExecuteDestination(world, to);
            return;
        }
        AnswerUnknownIds(world, to);
        TakePrepare(world, to);
        if (world.Destination.State == 0) return;

        foreach (var (input, luck) in DestinationInputs(world))
            FeedDestination(world, input, luck, to);
        TakeDestinationResults(world, to);
        FireDestinationTimers(world, to);
        BetrayDestination(world, to);
    }

    private void CrashDestination(in World world, Successors to)
    {
        if (world.Destination.Crashes >= _scenario.Crashes || (world.Destination.State == 0 && world.Destination.Record == 0)) return;
        var next = world;
        next.Destination = new Daemon
        {
            Record = world.Destination.Record,
            Crashes = (byte)(world.Destination.Crashes + 1),
            JournalFailures = world.Destination.JournalFailures,
        };
        to.Add(next, Luck.Fault, "destination daemon: CRASH");
    }

    private void RestartDestination(in World world, Successors to)
    {
        if (world.Destination.Record == 0)
        {
            var idle = world;
            idle.Destination.Up = true;

            // Without a record nobody has launched a QEMU, or it was dead before the record went.
            to.Add(idle, Luck.Fair, "destination daemon restarts, no record");
            return;
        }
        bool alive = IsAlive(world.DestinationQemu);
        var stream = world.DestinationQemu != Vcpus.Stopped ? StreamStatus.None : world.Owed ? (StreamStatus)world.Stream : StreamStatus.Completed;
        Restart(world, new QemuEvidence(alive, world.DestinationQemu == Vcpus.Running, stream), Luck.Fair, to);
        if (alive) Restart(world, new QemuEvidence(Alive: true, Running: null, StreamStatus.None), Luck.Fault, to);
    }

    private void Restart(in World world, QemuEvidence evidence, Luck luck, Successors to)
    {
        var next = world;
        next.Destination.Up = true;
        var record = _destinationRecords[world.Destination.Record];
        if (_scenario.Without == Ablation.TrustDead && record.Phase == DestinationPhase.Intent && !evidence.Alive)
            record = record with { Phase = DestinationPhase.Aborted };
        var step = DestinationMachine.Restarted(record, evidence, Limits, _scenario.PostCopy);
        AdoptDestination(ref next, _destinationSteps.Number(step.Next, step.Effects));
        to.Add(next, luck, "destination daemon restarts, record", record.Phase);
    }

    private void FeedDestination(in World world, DestinationInput input, Luck luck, Successors to)
    {
        var next = world;
        if (!Feed(ref next, input)) return;
        to.Add(next, luck, "destination <-", input);
    }

    private bool Feed(ref World world, DestinationInput input)
    {
        bool finishStartsToWait = input is DestinationInput.FinishCalled && !world.Destination.Asked;
        if (finishStartsToWait) world.Destination.Asked = true;
        var step = _destinationSteps.Of(world.Destination.State, _destinationSteps.Inputs.Of(input));
        if (step.Next == world.Destination.State && step.Effects == 0) return finishStartsToWait;
        AdoptDestination(ref world, step);
        return true;
    }

    private void AdoptDestination(ref World world, (ushort Next, ushort Effects) step)
    {
        world.Destination.State = step.Next;
        world.Destination.Effects = step.Effects;
        ExecuteLocalDestinationEffects(ref world);
    }

    private void ExecuteLocalDestinationEffects(ref World world)
    {
        while (world.Destination.Effects != 0)
        {
            switch (_destinationSteps.Effects.Head(world.Destination.Effects))
            {
                case DestinationEffect.ArmTimer arm:
                    world.Destination.Timers |= (ushort)(1 << (int)arm.Timer);
                    break;
                case DestinationEffect.DisarmTimer disarm:
                    world.Destination.Timers &= (ushort)~(1 << (int)disarm.Timer);
                    break;
                case DestinationEffect.FinishLoading:
                    AddResult(ref world, new DestinationInput.GuestLoaded());
                    if (_scenario.PostCopy) AddResult(ref world, new DestinationInput.GuestLoaded(LacksMemory: true));
                    AddResult(ref world, new DestinationInput.LoadFailed(AnyFailure));
                    break;
                case DestinationEffect.CleanUp:
                    AddResult(ref world, new DestinationInput.CleanedUp());
                    break;
                case DestinationEffect.RaiseAlarm or DestinationEffect.Admit or DestinationEffect.Refuse or DestinationEffect.AdoptGuest or
                    DestinationEffect.WatchStream or DestinationEffect.ShowDoubt or DestinationEffect.ShowPostCopy or DestinationEffect.CompleteGuest:
                    break;
                default:
                    return;
            }
            world.Destination.Effects = _destinationSteps.Effects.Tail(world.Destination.Effects);
        }
    }

    private void ExecuteDestination(in World world, Successors to)
    {
        var effect = _destinationSteps.Effects.Head(world.Destination.Effects);
        int attempt = world.DestinationAttempt;
        var next = world;
        next.Destination.Effects = _destinationSteps.Effects.Tail(world.Destination.Effects);
        switch (effect)
        {
            case DestinationEffect.Persist persist:
                if (persist.Record is { Phase: DestinationPhase.Ran, Crashed: true }) next.Unknown = true;
                WriteDestination(world, next, _destinationRecords.Of(persist.Record), persist.Record.Phase, to);
                return;
            case DestinationEffect.EraseRecord:
                WriteDestination(world, next, 0, DestinationPhase.Absent, to);
                return;
            case DestinationEffect.LaunchIncoming:
                var failed = next;
                AddResult(ref failed, new DestinationInput.LaunchFailed(AnyFailure));
                Done(failed, Luck.Fault, effect, to);
                next.DestinationQemu = Vcpus.Incoming;
                AddResult(ref next, new DestinationInput.IncomingReady());
                break;
            case DestinationEffect.AnswerPrepare answer:
                next.Send(attempt, answer.Error is null ? Message.PrepareDone : Message.PrepareError);
                break;
            case DestinationEffect.AnswerFinish answer:
                if (world.Destination.Asked) Answer(ref next, attempt, answer.Answer, to);
                next.Destination.Asked = false;
                break;
            case DestinationEffect.AnswerResolve answer:
                Answer(ref next, attempt, answer.Answer, to);
                break;
            case DestinationEffect.ListenAgain when IsAlive(world.DestinationQemu) && world.Owed:
                next.Send(attempt, Message.Listening);
                break;
            case DestinationEffect.RefuseRecovery refusal when refusal.GuestIsGone:
                next.Send(attempt, Message.GuestGone);
                break;
            case DestinationEffect.AnswerForget:
                next.Send(attempt, Message.Forgotten);
                break;
            case DestinationEffect.Cont:
                ContDestination(world, next, to);
                return;
            case DestinationEffect.ActivateImages:
                var refused = next;
                AddResult(ref refused, new DestinationInput.ActivationFailed("any"));
                Done(refused, Luck.Fault, effect, to);
                if (world.DestinationQemu == Vcpus.Stopped)
                {
                    next.Ever = true;
                    AddResult(ref next, new DestinationInput.ImagesActivated());
                }
                break;
            case DestinationEffect.LookAtGuest:
                var silent = next;
                AddResult(ref silent, new DestinationInput.GuestSeen(GuestSight.Silent));
                Done(silent, Luck.Fault, effect, to);
                if (IsAlive(world.DestinationQemu))
                {
                    AddResult(ref next, new DestinationInput.GuestSeen(
                        world.DestinationQemu == Vcpus.Running ? GuestSight.Running : GuestSight.NotRunning));
                }
                break;
            case DestinationEffect.KillQemu:
                KillDestination(ref next, to);
                break;
        }
        Done(next, Luck.Fair, effect, to);
    }

    private void Done(World next, Luck luck, DestinationEffect effect, Successors to)
    {
        ExecuteLocalDestinationEffects(ref next);
        to.Add(next, luck, "destination does", effect);
    }

    private static void Answer(ref World world, int attempt, PeerAnswer answer, Successors to)
    {
        if (answer == PeerAnswer.Pending) return; // Left open whenever the source asks, see TakeSourceResults.
        world.Send(attempt, answer == PeerAnswer.Run ? Message.Run : Message.Abort);
        if (world.Has(attempt, Message.Run) && world.Has(attempt, Message.Abort) && !world.Has(attempt, Message.Forget))
            to.Break("FINAL", "one id was answered both RUN and ABORT");
    }

    private void WriteDestination(in World world, World next, ushort record, DestinationPhase phase, Successors to)
    {
        if (world.Destination.JournalFailures < _scenario.JournalFailures)
        {
            foreach (bool oldStands in (ReadOnlySpan<bool>)[true, false])
            {
                var failed = world;
                failed.Unknown = next.Unknown;
                failed.Destination.JournalFailures++;
                failed.Destination.Effects = 0;
                if (!oldStands) failed.Destination.Record = record;
                AddResult(ref failed, new DestinationInput.JournalWriteFailed(phase, oldStands, "any"));
                to.Add(failed, Luck.Fault, oldStands ? "destination disk is full at" : "destination directory flush fails at", phase);
            }
        }
        next.Destination.Record = record;
        AddResult(ref next, new DestinationInput.JournalWritten(phase));
        ExecuteLocalDestinationEffects(ref next);
        to.Add(next, Luck.Fair, "destination writes", phase);
    }

    private void ContDestination(in World world, World next, Successors to)
    {
        var cont = new DestinationEffect.Cont();
        var unheard = next;
        AddResult(ref unheard, new DestinationInput.ContUnknown());
        if (world.DestinationQemu == Vcpus.Incoming) to.Break("INMIGRATE", "cont was sent to a QEMU that has not loaded: it would start by itself (rule 5)");
        if (!IsAlive(world.DestinationQemu))
        {
            Done(unheard, Luck.Fair, cont, to);
            return;
        }
        Done(unheard, Luck.Fault, cont, to); // It never reached QEMU.
        if (world.DestinationQemu == Vcpus.Stopped)
        {
            var refused = next;
            AddResult(ref refused, new DestinationInput.ContRefused("any"));
            Done(refused, Luck.Fault, cont, to);
        }
        DestinationRuns(ref next, to);
        DestinationRuns(ref unheard, to);
        Done(unheard, Luck.Fault, cont, to); // It worked and nobody heard.
        AddResult(ref next, new DestinationInput.ContAccepted());
        Done(next, Luck.Fair, cont, to);
    }

    private IEnumerable<(DestinationInput Input, Luck Luck)> DestinationInputs(World world)
    {
        if (!IsAlive(world.DestinationQemu)) yield return (new DestinationInput.QemuGone(), Luck.Fair);
        int attempt = world.DestinationAttempt;
        if (world.Attempt == attempt && (StreamStatus)world.Stream == StreamStatus.Active && world.DestinationQemu == Vcpus.Incoming)
            yield return (new DestinationInput.StreamReported(StreamStatus.Active), Luck.Fair);
        if (world.DestinationQemu == Vcpus.Stopped && !world.Owed) yield return (new DestinationInput.StreamReported(StreamStatus.Completed), Luck.Fair);
        if (world.SourceFenced || (_scenario.FencingOfSource && _scenario.Without == Ablation.FencingIsProved))
            yield return (new DestinationInput.SourceFenced(Alphabet.Fenced("alpha")), Luck.Fair);

        var id = _ids[attempt];
        bool paused = _scenario.PreState == GuestRunState.Paused;
        if (Delivers(world, attempt, Message.Finish)) yield return (new DestinationInput.FinishCalled(id, Cancelled: false, paused), Luck.Fair);
        if (Delivers(world, attempt, Message.Cancel) || Delivers(world, attempt, Message.Withdraw)) yield return (new DestinationInput.FinishCalled(id, Cancelled: true, paused), Luck.Fair);
        if (Delivers(world, attempt, Message.Resolve)) yield return (new DestinationInput.ResolveCalled(id, paused), Luck.Fair);
        if (Delivers(world, attempt, Message.Forget)) yield return (new DestinationInput.ForgetCalled(id), Luck.Fair);
        if (Delivers(world, attempt, Message.Recover)) yield return (new DestinationInput.RecoverCalled(), Luck.Fair);
        if (_destinationSteps.States[world.Destination.State] is DestinationState.Running { Attempt.LacksMemory: true } or
            DestinationState.Aborting { Stage: AbortStage.Yielding } && IsAlive(world.DestinationQemu))
            yield return (new DestinationInput.StreamReported(world.Owed ? (StreamStatus)world.Stream : StreamStatus.Completed), Luck.Fair);
        bool mayReturn = !world.SourceFenced && (world.ClientAlive || _scenario.Mode == MigrationMode.PeerToPeer);
        yield return (new DestinationInput.LinkLost(), mayReturn ? Luck.Fault : Luck.Fair);
        if (!world.SourceFenced) yield return (new DestinationInput.LinkRestored(), Luck.Fair);
        yield return (new DestinationInput.UserCalled(UserCall.Destroy), Luck.Fault);
    }

    private void TakeDestinationResults(in World world, Successors to)
    {
        for (ulong left = world.Destination.Inbox; left != 0; left &= left - 1)
        {
            int bit = System.Numerics.BitOperations.TrailingZeroCount(left);
            var input = _destinationResults[bit + 1];
            if (input is DestinationInput.GuestLoaded loaded && (world.DestinationQemu is Vcpus.None or Vcpus.Incoming || loaded.LacksMemory != world.Owed)) continue;
            var next = world;
            next.Destination.Inbox &= ~(1UL << bit);
            Feed(ref next, input);
            to.Add(next, input is DestinationInput.LoadFailed ? Luck.Fault : Luck.Fair, "destination <-", input);
        }
    }

    private void FireDestinationTimers(in World world, Successors to)
    {
        for (int timers = world.Destination.Timers; timers != 0; timers &= timers - 1)
        {
            int bit = System.Numerics.BitOperations.TrailingZeroCount(timers);
            var next = world;
            next.Destination.Timers &= (ushort)~(1 << bit);
            Feed(ref next, new DestinationInput.TimerExpired((DestinationTimer)bit));
            to.Add(next, Luck.Fair, "destination timer", (DestinationTimer)bit);
        }
    }

    /// <summary>The daemon, not a machine, answers for ids it has no machine for.</summary>
    private void AnswerUnknownIds(in World world, Successors to)
    {
        for (int attempt = 1; attempt <= world.Attempt; attempt++)
        {
            if (attempt == world.DestinationAttempt && world.Destination.State != 0) continue;
            if (world.Has(attempt, Message.Finish) || world.Has(attempt, Message.Resolve) || world.Has(attempt, Message.Withdraw))
            {
                var next = world;
                Answer(ref next, attempt, DestinationRecords.AnswerUnknown, to);
                if (next.Messages != world.Messages) to.Add(next, Luck.Fair, "destination does not know the id, answers", DestinationRecords.AnswerUnknown);
            }
            if (world.Has(attempt, Message.Forget) && !world.Has(attempt, Message.Forgotten))
            {
                var next = world;
                next.Send(attempt, Message.Forgotten);
                to.Add(next, Luck.Fair, "destination has nothing to forget");
            }
        }
    }

    private void TakePrepare(in World world, Successors to)
    {
        for (int attempt = 1; attempt <= world.Attempt; attempt++)
        {
            if (!world.Has(attempt, Message.Prepare)) continue;
            var next = world;
            next.Take(attempt, Message.Prepare); // A call on a connection: late or lost, but not twice.
            if (world.SourceFenced) // Its connection is dead.
            {
                to.Add(next, Luck.Fair, "a Prepare of a dead host is dropped");
                continue;
            }
            bool free = world.Destination.Record == 0 && (world.Destination.State == 0 ||
                _destinationSteps.States[world.Destination.State] is DestinationState.Aborted or DestinationState.Forgotten);
            if (!free || world.DestinationQemu == Vcpus.Running)
            {
                next.Send(attempt, Message.PrepareError);
                to.Add(next, Luck.Fair, "destination refuses Prepare of attempt", attempt);
                continue;
            }
            next.DestinationAttempt = (byte)attempt;
            next.DestinationQemu = Vcpus.None;
            next.Destination.Inbox = 0;
            next.Destination.Timers = 0;
            next.Destination.Asked = false;
            var step = DestinationMachine.Prepare(new DestinationAttempt
            {
                Id = _ids[attempt],
                Mode = _scenario.Mode,
                Peer = PeerKind.Wherry,
                StartPaused = _scenario.PreState == GuestRunState.Paused,
                Limits = Limits,
            });
            AdoptDestination(ref next, _destinationSteps.Number(step.Next, step.Effects));
            to.Add(next, Luck.Fair, "destination <- Prepare of attempt", attempt);
        }
    }

    /// <summary>The ablations that are acts of the destination's shell.</summary>
    private void BetrayDestination(in World world, Successors to)
    {
        var state = _destinationSteps.States[world.Destination.State];
        switch (_scenario.Without)
        {
            case Ablation.Unattended when world.DestinationQemu == Vcpus.Stopped && state is DestinationState.Listening or DestinationState.Receiving:
                FeedDestination(world, new DestinationInput.FinishCalled(state.Attempt.Id, Cancelled: false, StartPaused: false), Luck.Fair, to);
                break;
            case Ablation.IntentVisible when state is DestinationState.Starting && world.Has(world.DestinationAttempt, Message.Finish):
                var told = world;
                told.Send(world.DestinationAttempt, Message.Run);
                if (told.Messages != world.Messages) to.Add(told, Luck.Fair, "destination answers RUN at INTENT");
                break;
            case Ablation.LoseRun when state is DestinationState.Running:
                var rebooted = world;
                rebooted.Destination = new Daemon { Up = true, Crashes = world.Destination.Crashes, JournalFailures = world.Destination.JournalFailures };
                rebooted.DestinationQemu = Vcpus.Dead;
                to.Add(rebooted, Luck.Fault, "destination host reboots, its record was in /run");
                break;
        }
    }

    private void AddResult(ref World world, DestinationInput input)
    {
        int bit = _destinationResults.Of(input) - 1;
        Assert.True(bit < 64, "the mailbox has 64 kinds of results");
        world.Destination.Inbox |= 1UL << bit;
    }

    private (ulong Inbox, ushort Timers) DestinationCaresFor(ushort state)
    {
        if (_destinationCares.TryGetValue(state, out var cares) && cares.Results == _destinationResults.All.Count) return (cares.Inbox, cares.Timers);
        var relevant = _destinationSteps.Relevant(state, _destinationAlphabet);
        ulong inbox = 0;
        for (int bit = 0; bit < _destinationResults.All.Count; bit++)
        {
            if (relevant.Contains(_destinationResults[bit + 1])) inbox |= 1UL << bit;
        }
        ushort timers = 0;
        foreach (var timer in Enum.GetValues<DestinationTimer>())
        {
            if (relevant.Contains(new DestinationInput.TimerExpired(timer))) timers |= (ushort)(1 << (int)timer);
        }
        _destinationCares[state] = (inbox, timers, _destinationResults.All.Count);
        return (inbox, timers);
    }
}
