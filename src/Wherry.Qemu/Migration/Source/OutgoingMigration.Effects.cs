using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>The machine's effects, one by one. Long ones run beside the loop and post their result.</summary>
internal sealed partial class OutgoingMigration
{
    private readonly UserCalls _userCalls = new();

    private async ValueTask ExecuteAsync(SourceStep step)
    {
        foreach (var effect in step.Effects)
        {
            if (effect is SourceEffect.Persist persist)
            {
                if (!Persist(persist.Record))
                    return;
            }
            else
            {
                await ExecuteAsync(effect);
            }
        }
    }

    /// <summary>False: not durable, so the effects behind it must not happen.</summary>
    private bool Persist(SourceRecord record)
    {
        var whole = ToHandoverRecord(record);
        try
        {
            _context.Journal.Write(whole);
        }
        catch (JournalWriteException e)
        {
            MigrationLog.JournalFailed(_logger, Id, _domain.Name, record.Phase.ToString(), e.Message);
            _loop.Post(new SourceInput.JournalWriteFailed(record.Phase, e.OldRecordStands, e.Message));
            return false;
        }

        if (record.Phase == SourcePhase.Closed)
            _progress.Update(p => p with { ClosedDurable = true });

        _loop.Post(new SourceInput.JournalWritten(record.Phase));
        FaultPoint.Wrote(whole);
        return true;
    }

    private ValueTask ExecuteAsync(SourceEffect effect)
    {
        switch (effect)
        {
            case SourceEffect.ArmTimer arm:
                _loop.Arm(arm.Timer, arm.After);
                break;
            case SourceEffect.DisarmTimer disarm:
                _loop.Disarm(disarm.Timer);
                break;
            case SourceEffect.AnswerBegin:
                _progress.Update(p => p with { BeginAnswered = true });
                break;
            case SourceEffect.AnswerPerform:
                _progress.Update(p => p with { PerformAnswered = true });
                break;
            case SourceEffect.Tell tell:
                Tell(tell.Outcome);
                break;
            case SourceEffect.Admit admit:
                _userCalls.Admit(admit.Call);
                break;
            case SourceEffect.Refuse refuse:
                _userCalls.Refuse(refuse.Call, _state is SourceState.Handed ? $"{refuse.Why}; {Doubt}" : refuse.Why);
                break;
            case SourceEffect.RaiseAlarm alarm:
                MigrationLog.Alarm(_logger, Id, _domain.Name, alarm.Text);
                break;
            case SourceEffect.ShowPostCopy show:
                ShowPostCopy(show.Broken);
                break;
            case SourceEffect.RetireDomain:
                return RetireAsync();
            default:
                StartLong(effect);
                break;
        }

        return ValueTask.CompletedTask;
    }

    private void StartLong(SourceEffect effect)
    {
        switch (effect)
        {
            case SourceEffect.CallPrepare:
                _loop.Start(PrepareAtPeerAsync, PrepareFailed);
                break;
            case SourceEffect.AskPeer ask:
                _loop.Start(ct => AskPeerAsync(ask, ct), e => Silent(ask.Id, e));
                break;
            case SourceEffect.LookAtPeer:
                _loop.Start(LookAtPeerAsync, _ => new SourceInput.PeerSeen(LegacySighting.Unreachable));
                break;
            case SourceEffect.CancelPeer:
                _farewell = _farewell.IsCompleted ? CancelAtPeerAsync() : _farewell; // which waits for the connection, too
                break;
            case SourceEffect.ForgetAtPeer forget:
                _loop.Start(ct => ForgetAtPeerAsync(forget.Id, ct), e => Silent(forget.Id, e));
                break;
            case SourceEffect.StartMirrors:
                StartOnward(StartMirrorsAsync, MirrorFailed);
                _loop.Start(WatchForStallAsync, NotCut);
                break;
            case SourceEffect.StartStream:
                StartOnward(StartStreamAsync, e => new SourceInput.StreamReported(StreamStatus.Failed, e.Message));
                if (_order.CopiedDisks.IsEmpty)
                {
                    _loop.Start(WatchForStallAsync, NotCut); // with disks it has been watching since they are copied
                }

                break;
            case SourceEffect.DrainMirrors:
                StartOnward(DrainMirrorsAsync, MirrorFailed);
                break;
            case SourceEffect.ContinueStream:
                StartOnward(ContinueStreamAsync, e => new SourceInput.StreamReported(StreamStatus.Failed, e.Message));
                break;
            case SourceEffect.CancelStream:
                Task[] onward = [.. _onward];
                _loop.Start(ct => CancelStreamAsync(onward, ct), NotYetCancelled);
                break;
            case SourceEffect.StartPostCopy:
                _loop.Start(StartPostCopyAsync, PostCopyNotStarted);
                break;
            case SourceEffect.LookAtStream:
                _stall = new StallWatch([], _context.Limits);
                _loop.Start(LookAtStreamAsync, _ => null); // it goes on looking, and the process watch sees a QEMU that is gone
                _loop.Start(WatchPostCopyAsync, NotCut);
                break;
            case SourceEffect.RecoverStream:
                _loop.Start(RecoverStreamAsync, RecoveryFailed);
                break;
            case SourceEffect.YankStream:
                _loop.Start(YankStreamAsync, _ => null);
                break;
            case SourceEffect.UndoPreparations:
                _loop.Start(UndoAsync, _ => new SourceInput.PreparationsUndone());
                break;
            case SourceEffect.Cont:
                _loop.Start(ContAsync, _ => new SourceInput.ContUnknown());
                break;
            case SourceEffect.KillQemu:
                _loop.Start(KillAsync, _ => null);
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"source effect {effect}");
        }
    }
}
