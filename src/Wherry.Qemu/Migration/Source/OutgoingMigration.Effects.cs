using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>The machine's effects, one by one. Long ones run beside the loop and post their result.</summary>
internal sealed partial class OutgoingMigration
{
    private readonly UserCalls userCalls = new();

    private async ValueTask ExecuteAsync(SourceStep step)
    {
        foreach (var effect in step.Effects)
        {
            if (effect is SourceEffect.Persist persist)
            {
                if (!Persist(persist.Record))
                {
                    return;
                }
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
        try
        {
            context.Journal.Write(ToHandoverRecord(record));
        }
        catch (JournalWriteException e)
        {
            MigrationLog.JournalFailed(logger, Id, domain.Name, record.Phase.ToString(), e.Message);
            loop.Post(new SourceInput.JournalWriteFailed(record.Phase, e.OldRecordStands, e.Message));
            return false;
        }

        if (record.Phase == SourcePhase.Closed)
        {
            progress.Update(p => p with { ClosedDurable = true });
        }

        loop.Post(new SourceInput.JournalWritten(record.Phase));
        FaultPoint.Reached($"src.{record.Phase.ToString().ToLowerInvariant()}.written");
        return true;
    }

    private ValueTask ExecuteAsync(SourceEffect effect)
    {
        switch (effect)
        {
            case SourceEffect.ArmTimer arm:
                loop.Arm(arm.Timer, arm.After);
                break;
            case SourceEffect.DisarmTimer disarm:
                loop.Disarm(disarm.Timer);
                break;
            case SourceEffect.AnswerBegin:
                progress.Update(p => p with { BeginAnswered = true });
                break;
            case SourceEffect.AnswerPerform:
                progress.Update(p => p with { PerformAnswered = true });
                break;
            case SourceEffect.Tell tell:
                Tell(tell.Outcome);
                break;
            case SourceEffect.Admit admit:
                userCalls.Admit(admit.Call);
                break;
            case SourceEffect.Refuse refuse:
                userCalls.Refuse(refuse.Call, refuse.Why);
                break;
            case SourceEffect.RaiseAlarm alarm:
                MigrationLog.Alarm(logger, Id, domain.Name, alarm.Text);
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
                loop.Start(PrepareAtPeerAsync, PrepareFailed);
                break;
            case SourceEffect.AskPeer ask:
                loop.Start(ct => AskPeerAsync(ask, ct), e => Silent(ask.Id, e));
                break;
            case SourceEffect.LookAtPeer:
                loop.Start(LookAtPeerAsync, _ => new SourceInput.PeerSeen(LegacySighting.Unreachable));
                break;
            case SourceEffect.CancelPeer:
                farewell = farewell.IsCompleted ? CancelAtPeerAsync() : farewell; // which waits for the connection, too
                break;
            case SourceEffect.ForgetAtPeer forget:
                loop.Start(ct => ForgetAtPeerAsync(forget.Id, ct), e => Silent(forget.Id, e));
                break;
            case SourceEffect.StartMirrors:
                loop.Start(StartMirrorsAsync, MirrorFailed);
                loop.Start(WatchForStallAsync, NotCut);
                break;
            case SourceEffect.StartStream:
                loop.Start(StartStreamAsync, e => new SourceInput.StreamReported(StreamStatus.Failed, e.Message));
                if (order.CopiedDisks.IsEmpty)
                {
                    loop.Start(WatchForStallAsync, NotCut); // with disks it has been watching since they are copied
                }

                break;
            case SourceEffect.DrainMirrors:
                loop.Start(DrainMirrorsAsync, MirrorFailed);
                break;
            case SourceEffect.ContinueStream:
                loop.Start(ContinueStreamAsync, e => new SourceInput.StreamReported(StreamStatus.Failed, e.Message));
                break;
            case SourceEffect.CancelStream:
                loop.Start(CancelStreamAsync, NotYetCancelled);
                break;
            case SourceEffect.YankStream:
                loop.Start(YankStreamAsync, _ => null);
                break;
            case SourceEffect.UndoPreparations:
                loop.Start(UndoAsync, _ => new SourceInput.PreparationsUndone());
                break;
            case SourceEffect.Cont:
                loop.Start(ContAsync, _ => new SourceInput.ContUnknown());
                break;
            case SourceEffect.KillQemu:
                loop.Start(KillAsync, _ => null);
                break;
            default:
                throw new System.Diagnostics.UnreachableException($"source effect {effect}");
        }
    }
}
