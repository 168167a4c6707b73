using System.Diagnostics;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>The machine's effects, one by one. Long ones run beside the loop and post their result.</summary>
internal sealed partial class IncomingMigration
{
    private readonly UserCalls userCalls = new();
    private long questions;

    private async ValueTask ExecuteAsync(DestinationStep step)
    {
        foreach (var effect in step.Effects)
        {
            var durable = effect switch
            {
                DestinationEffect.Persist persist => Persist(persist.Record),
                DestinationEffect.EraseRecord => Erase(),
                _ => true,
            };
            if (!durable)
            {
                return;
            }

            await ExecuteAsync(effect);
        }
    }

    /// <summary>False: not durable, so the effects behind it must not happen.</summary>
    private bool Persist(DestinationRecord record) => Durably(record.Phase, () =>
    {
        context.Journal.Write(ToHandoverRecord(record));
        FaultPoint.Reached($"dst.{record.Phase.ToString().ToLowerInvariant()}.written");
    });

    private bool Erase() => Durably(DestinationPhase.Absent, () =>
    {
        context.Journal.Erase(Id);
        progress.Update(p => p with { Erased = true });
    });

    private bool Durably(DestinationPhase phase, Action write)
    {
        try
        {
            write();
        }
        catch (JournalWriteException e)
        {
            MigrationLog.JournalFailed(logger, Id, domain.Name, phase.ToString(), e.Message);
            loop.Post(new DestinationInput.JournalWriteFailed(phase, e.OldRecordStands, e.Message));
            return false;
        }

        loop.Post(new DestinationInput.JournalWritten(phase));
        return true;
    }

    private ValueTask ExecuteAsync(DestinationEffect effect)
    {
        switch (effect)
        {
            case DestinationEffect.Persist or DestinationEffect.EraseRecord:
                break; // done already
            case DestinationEffect.ArmTimer arm:
                loop.Arm(arm.Timer, arm.After);
                break;
            case DestinationEffect.DisarmTimer disarm:
                loop.Disarm(disarm.Timer);
                break;
            case DestinationEffect.AnswerPrepare { Error: null }:
                progress.Update(p => p with { Prepared = true });
                break;
            case DestinationEffect.AnswerPrepare answer:
                progress.Update(p => p with { Failure = p.Failure ?? answer.Error });
                break;
            case DestinationEffect.AnswerFinish answer:
                progress.Update(p => p with { Answer = p.Answer ?? answer.Answer, Failure = p.Failure ?? answer.Why });
                break;
            case DestinationEffect.AnswerResolve answer:
                progress.Update(p => p with { ResolvesAnswered = p.ResolvesAnswered + 1, LastResolve = answer.Answer });
                break;
            case DestinationEffect.AnswerForget:
                progress.Update(p => p with { Forgotten = true });
                break;
            case DestinationEffect.Admit admit:
                userCalls.Admit(admit.Call);
                break;
            case DestinationEffect.Refuse refuse:
                userCalls.Refuse(refuse.Call, refuse.Why);
                break;
            case DestinationEffect.RaiseAlarm alarm:
                MigrationLog.Alarm(logger, Id, domain.Name, alarm.Text);
                break;
            case DestinationEffect.AdoptGuest adopt:
                AdoptGuest(adopt.Crashed);
                break;
            default:
                StartLong(effect);
                break;
        }

        return ValueTask.CompletedTask;
    }

    private void StartLong(DestinationEffect effect)
    {
        switch (effect)
        {
            case DestinationEffect.LaunchIncoming:
                loop.Start(LaunchIncomingAsync, LaunchFailed);
                break;
            case DestinationEffect.FinishLoading:
                loop.Start(FinishLoadingAsync, e => new DestinationInput.LoadFailed(new Failure(FailureKind.LoadFailed, e.Message)));
                break;
            case DestinationEffect.PingSource:
                loop.Start(PingSourceAsync, _ => new DestinationInput.SourceSilent());
                break;
            case DestinationEffect.Cont:
                loop.Start(ContAsync, _ => new DestinationInput.ContUnknown());
                break;
            case DestinationEffect.ActivateImages:
                loop.Start(ActivateImagesAsync, e => new DestinationInput.ActivationFailed(e.Message));
                break;
            case DestinationEffect.LookAtGuest:
                loop.Start(LookAtGuestAsync, _ => new DestinationInput.GuestSeen(GuestSight.Silent));
                break;
            case DestinationEffect.KillQemu:
                loop.Start(KillAsync, _ => null); // the machine's own timer asks again
                break;
            case DestinationEffect.CleanUp:
                loop.Start(CleanUpAsync, _ => new DestinationInput.CleanedUp());
                break;
            default:
                throw new UnreachableException($"destination effect {effect}");
        }
    }

    private HandoverRecord ToHandoverRecord(DestinationRecord record) => new()
    {
        DomainUuid = domain.Uuid,
        DomainName = domain.Name,
        Created = context.Time.GetUtcNow(),
        Flags = (uint)order.Flags,
        BootId = context.Host.BootId,
        Peer = new HandoverPeer(order.Cookie?.Handover?.PeerUri, order.Cookie?.HostUuid, order.Cookie?.Handover?.BootId),
        Disks = [.. order.CopiedDisks.Select(target => new HandoverDisk(
            target, target, CreatedImage: order.CreatedImages.GetValueOrDefault(target)))],
        Ports = order.NbdPort == 0 ? [order.ListenUri.Port] : [order.ListenUri.Port, order.NbdPort],
        DefinitionAdded = order.DefinitionAdded,
        Destination = record,
    };
}
