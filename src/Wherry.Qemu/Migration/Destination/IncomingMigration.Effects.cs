using System.Diagnostics;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>The machine's effects, one by one. Long ones run beside the loop and post their result.</summary>
internal sealed partial class IncomingMigration
{
    private readonly UserCalls _userCalls = new();
    private long _questions;
    private string? _xmlToKeep; // made before QEMU is started, so that no later record waits for it

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
                return;

            await ExecuteAsync(effect);
        }
    }

    /// <summary>False: not durable, so the effects behind it must not happen.</summary>
    private bool Persist(DestinationRecord record) => Durably(record.Phase, () =>
    {
        FaultPoint.Wrote(_context.Journal.Write(ToHandoverRecord(record)));
    });

    private bool Erase() => Durably(DestinationPhase.Absent, () =>
    {
        _context.Journal.Erase(Id);
        _progress.Update(p => p with { Erased = true });
    });

    private bool Durably(DestinationPhase phase, Action write)
    {
        try
        {
            write();
        }
        catch (JournalWriteException e)
        {
            MigrationLog.JournalFailed(_logger, Id, _domain.Name, phase.ToString(), e.Message);
            _loop.Post(new DestinationInput.JournalWriteFailed(phase, e.OldRecordStands, e.Message));
            return false;
        }

        _loop.Post(new DestinationInput.JournalWritten(phase));
        return true;
    }

    private ValueTask ExecuteAsync(DestinationEffect effect)
    {
        switch (effect)
        {
            case DestinationEffect.Persist or DestinationEffect.EraseRecord:
                break; // done already
            case DestinationEffect.ArmTimer arm:
                _loop.Arm(arm.Timer, arm.After);
                break;
            case DestinationEffect.DisarmTimer disarm:
                _loop.Disarm(disarm.Timer);
                break;
            case DestinationEffect.AnswerPrepare { Error: null }:
                _progress.Update(p => p with { Prepared = true });
                break;
            case DestinationEffect.AnswerPrepare answer:
                _progress.Update(p => p with { Failure = p.Failure ?? answer.Error });
                break;
            case DestinationEffect.AnswerFinish answer:
                _progress.Update(p => p with { Answer = p.Answer ?? answer.Answer, Failure = p.Failure ?? answer.Why });
                break;
            case DestinationEffect.AnswerResolve answer:
                _progress.Update(p => p with { ResolvesAnswered = p.ResolvesAnswered + 1, LastResolve = answer.Answer });
                break;
            case DestinationEffect.AnswerForget:
                _progress.Update(p => p with { Forgotten = true });
                break;
            case DestinationEffect.Admit admit:
                _userCalls.Admit(admit.Call);
                break;
            case DestinationEffect.Refuse refuse:
                _userCalls.Refuse(refuse.Call, refuse.Why);
                break;
            case DestinationEffect.RaiseAlarm alarm:
                MigrationLog.Alarm(_logger, Id, _domain.Name, alarm.Text);
                break;
            case DestinationEffect.ShowDoubt:
                ShowDoubt();
                break;
            case DestinationEffect.RefuseRecovery refusal:
                AnswerRecovery(new RecoveryAnswer(
                    UriOut: null, new WherryException(refusal.GuestIsGone ? ErrorCode.NoDomain : ErrorCode.OperationInvalid, $"domain '{_domain.Name}': {refusal.Why}")));
                break;
            case DestinationEffect.AdoptGuest adopt:
                AdoptGuest(adopt.Crashed);
                break;
            case DestinationEffect.ShowPostCopy show:
                ShowPostCopy(show.Broken);
                break;
            case DestinationEffect.CompleteGuest:
                CompleteGuest();
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
                _loop.Start(LaunchIncomingAsync, LaunchFailed);
                break;
            case DestinationEffect.FinishLoading:
                _loop.Start(FinishLoadingAsync, e => new DestinationInput.LoadFailed(new Failure(FailureKind.LoadFailed, e.Message)));
                break;
            case DestinationEffect.PingSource:
                _loop.Start(PingSourceAsync, _ => new DestinationInput.SourceSilent());
                break;
            case DestinationEffect.Cont:
                _loop.Start(ContAsync, _ => new DestinationInput.ContUnknown());
                break;
            case DestinationEffect.ActivateImages:
                _loop.Start(ActivateImagesAsync, e => new DestinationInput.ActivationFailed(e.Message));
                break;
            case DestinationEffect.WatchStream:
                _loop.Start(WatchStreamAsync, _ => null);
                break;
            case DestinationEffect.ListenAgain:
                _loop.Start(ListenAgainAsync, NotListening);
                break;
            case DestinationEffect.LookAtGuest:
                _loop.Start(LookAtGuestAsync, _ => new DestinationInput.GuestSeen(GuestSight.Silent));
                break;
            case DestinationEffect.KillQemu:
                _loop.Start(KillAsync, _ => null); // the machine's own timer asks again
                break;
            case DestinationEffect.CleanUp:
                _loop.Start(CleanUpAsync, _ => new DestinationInput.CleanedUp());
                break;
            default:
                throw new UnreachableException($"destination effect {effect}");
        }
    }

    /// <summary>Null: nothing is to be kept, or an earlier daemon did not record it and the guest is gone.</summary>
    private string? XmlToKeep() => !_order.Flags.HasFlag(MigrationFlags.PersistDestination)
        ? null
        : _order.PersistentXml ?? (_order.Definition is { } definition ? MigrationDefinitions.ToPersist(definition, asked: null) : null);

    private HandoverRecord ToHandoverRecord(DestinationRecord record) => new()
    {
        DomainUuid = _domain.Uuid,
        DomainName = _domain.Name,
        Created = _context.Time.GetUtcNow(),
        Flags = (uint)_order.Flags,
        BootId = _context.Host.BootId,
        Peer = _order.Source,
        Disks = [.. _order.CopiedDisks.Select(target => new HandoverDisk(
            target, target, CreatedImage: _order.CreatedImages.GetValueOrDefault(target)))],
        Ports = _order.NbdPort == 0 ? [_order.ListenUri.Port] : [_order.ListenUri.Port, _order.NbdPort],
        PersistentXml = _xmlToKeep ??= XmlToKeep(),
        DefinitionAdded = _order.DefinitionAdded,
        SavedParameters = _savedParameters,
        Destination = record,
    };
}
