using Wherry.Daemon.Handlers;
using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Daemon.Events;

/// <summary>One event on the wire: its number among libvirt's event kinds, and how each registration style carries it.</summary>
internal sealed record EventMessage(int EventId, Action<ServerSession> SendLegacy, Action<ServerSession, int> SendCallback);

/// <summary>Domain events as messages. The table of event kind, legacy message and callback message numbers is libvirt's.</summary>
internal static class EventMessages
{
    public static IEnumerable<EventMessage> Of(NonnullDomain dom, DomainEvent happened) => happened switch
    {
        DomainEvent.Lifecycle(var lifecycle) => One(
            0, RemoteProcedure.DomainEventLifecycle, new DomainEventLifecycleMsg(dom, (int)lifecycle.Type, lifecycle.Detail),
            RemoteProcedure.DomainEventCallbackLifecycle, (id, body) => new DomainEventCallbackLifecycleMsg(id, body)),
        DomainEvent.Reboot => One(
            1, RemoteProcedure.DomainEventReboot, new DomainEventRebootMsg(dom),
            RemoteProcedure.DomainEventCallbackReboot, (id, body) => new DomainEventCallbackRebootMsg(id, body)),
        DomainEvent.RtcChange(var offset) => One(
            2, RemoteProcedure.DomainEventRtcChange, new DomainEventRtcChangeMsg(dom, offset),
            RemoteProcedure.DomainEventCallbackRtcChange, (id, body) => new DomainEventCallbackRtcChangeMsg(id, body)),
        DomainEvent.Watchdog(var action) => One(
            3, RemoteProcedure.DomainEventWatchdog, new DomainEventWatchdogMsg(dom, (int)action),
            RemoteProcedure.DomainEventCallbackWatchdog, (id, body) => new DomainEventCallbackWatchdogMsg(id, body)),
        DomainEvent.IoError error => IoError(dom, error),
        DomainEvent.ControlError => One(
            7, RemoteProcedure.DomainEventControlError, new DomainEventControlErrorMsg(dom),
            RemoteProcedure.DomainEventCallbackControlError, (id, body) => new DomainEventCallbackControlErrorMsg(id, body)),
        DomainEvent.Graphics graphics => One(
            5, RemoteProcedure.DomainEventGraphics, Graphics(dom, graphics),
            RemoteProcedure.DomainEventCallbackGraphics, (id, body) => new DomainEventCallbackGraphicsMsg(id, body)),
        DomainEvent.DiskChange change => One(
            9, RemoteProcedure.DomainEventDiskChange,
            new DomainEventDiskChangeMsg(dom, change.OldSource, change.NewSource, change.Alias, (int)change.Reason),
            RemoteProcedure.DomainEventCallbackDiskChange, (id, body) => new DomainEventCallbackDiskChangeMsg(id, body)),
        DomainEvent.TrayChange(var alias, var opened) => One(
            10, RemoteProcedure.DomainEventTrayChange, new DomainEventTrayChangeMsg(dom, alias, opened ? 0 : 1),
            RemoteProcedure.DomainEventCallbackTrayChange, (id, body) => new DomainEventCallbackTrayChangeMsg(id, body)),
        DomainEvent.PmWakeup => One(
            11, RemoteProcedure.DomainEventPmwakeup, new DomainEventPmwakeupMsg(dom),
            RemoteProcedure.DomainEventCallbackPmwakeup, (id, body) => new DomainEventCallbackPmwakeupMsg(id, 0, body)),
        DomainEvent.PmSuspend(ToDisk: false) => One(
            12, RemoteProcedure.DomainEventPmsuspend, new DomainEventPmsuspendMsg(dom),
            RemoteProcedure.DomainEventCallbackPmsuspend, (id, body) => new DomainEventCallbackPmsuspendMsg(id, 0, body)),
        DomainEvent.PmSuspend => One(
            14, RemoteProcedure.DomainEventPmsuspendDisk, new DomainEventPmsuspendDiskMsg(dom),
            RemoteProcedure.DomainEventCallbackPmsuspendDisk, (id, body) => new DomainEventCallbackPmsuspendDiskMsg(id, 0, body)),
        DomainEvent.BalloonChange(var actual) => One(
            13, RemoteProcedure.DomainEventBalloonChange, new DomainEventBalloonChangeMsg(dom, actual),
            RemoteProcedure.DomainEventCallbackBalloonChange, (id, body) => new DomainEventCallbackBalloonChangeMsg(id, body)),
        DomainEvent.DeviceRemoved(var alias) => One(
            15, RemoteProcedure.DomainEventDeviceRemoved, new DomainEventDeviceRemovedMsg(dom, alias),
            RemoteProcedure.DomainEventCallbackDeviceRemoved, (id, body) => new DomainEventCallbackDeviceRemovedMsg(id, body)),
        DomainEvent.AgentLifecycle(var connected, var reason) => OnlyCallback(
            18, RemoteProcedure.DomainEventCallbackAgentLifecycle,
            id => new DomainEventCallbackAgentLifecycleMsg(id, dom, connected ? 1 : 2, (int)reason)),
        DomainEvent.DeviceAdded(var alias) => OnlyCallback(
            19, RemoteProcedure.DomainEventCallbackDeviceAdded, id => new DomainEventCallbackDeviceAddedMsg(id, dom, alias)),
        DomainEvent.DeviceRemovalFailed(var alias) => OnlyCallback(
            22, RemoteProcedure.DomainEventCallbackDeviceRemovalFailed, id => new DomainEventCallbackDeviceRemovalFailedMsg(id, dom, alias)),
        DomainEvent.Tunable(var fields) => OnlyCallback(
            17, RemoteProcedure.DomainEventCallbackTunable,
            id => new DomainEventCallbackTunableMsg(id, dom, [.. fields.Select(field => field.Number is { } number
                ? TypedParameter.ULLong(field.Name, number)
                : field.Signed is { } signed ? TypedParameter.LLong(field.Name, signed)
                : TypedParameter.String(field.Name, field.Text ?? ""))])),
        DomainEvent.BlockJob job =>
        [
            .. One(
                8, RemoteProcedure.DomainEventBlockJob, new DomainEventBlockJobMsg(dom, job.Source, (int)job.Type, (int)job.Status),
                RemoteProcedure.DomainEventCallbackBlockJob, (id, body) => new DomainEventCallbackBlockJobMsg(id, body)),
            .. OnlyCallback(
                16, RemoteProcedure.DomainEventBlockJob2,
                id => new DomainEventBlockJob2Msg(id, dom, job.Target, (int)job.Type, (int)job.Status)),
        ],
        DomainEvent.MigrationIteration(var iteration) => OnlyCallback(
            20, RemoteProcedure.DomainEventCallbackMigrationIteration, id => new DomainEventCallbackMigrationIterationMsg(id, dom, iteration)),
        DomainEvent.JobCompleted(var stats) => OnlyCallback(
            21, RemoteProcedure.DomainEventCallbackJobCompleted,
            id => new DomainEventCallbackJobCompletedMsg(id, dom, JobReply.Parameters(stats))),
        DomainEvent.MetadataChange(var kind, var uri) => OnlyCallback(
            23, RemoteProcedure.DomainEventCallbackMetadataChange, id => new DomainEventCallbackMetadataChangeMsg(id, dom, (int)kind, uri)),
        DomainEvent.BlockThreshold threshold => OnlyCallback(
            24, RemoteProcedure.DomainEventBlockThreshold,
            id => new DomainEventBlockThresholdMsg(id, dom, threshold.Device, threshold.Path, threshold.Threshold, threshold.Excess)),
        DomainEvent.MemoryFailure(var recipient, var action, var traits) => OnlyCallback(
            25, RemoteProcedure.DomainEventMemoryFailure,
            id => new DomainEventMemoryFailureMsg(id, dom, (int)recipient, (int)action, (uint)traits)),
        DomainEvent.MemoryDeviceSizeChange(var alias, var size) => OnlyCallback(
            26, RemoteProcedure.DomainEventMemoryDeviceSizeChange, id => new DomainEventMemoryDeviceSizeChangeMsg(id, dom, alias, size)),
        _ => [],
    };

    /// <summary>One error, two kinds: the older has no reason.</summary>
    private static IEnumerable<EventMessage> IoError(NonnullDomain dom, DomainEvent.IoError error) =>
    [
        .. One(
            4, RemoteProcedure.DomainEventIoError, new DomainEventIoErrorMsg(dom, error.Source, error.Alias, (int)error.Action),
            RemoteProcedure.DomainEventCallbackIoError, (id, body) => new DomainEventCallbackIoErrorMsg(id, body)),
        .. One(
            6, RemoteProcedure.DomainEventIoErrorReason,
            new DomainEventIoErrorReasonMsg(dom, error.Source, error.Alias, (int)error.Action, error.Reason),
            RemoteProcedure.DomainEventCallbackIoErrorReason, (id, body) => new DomainEventCallbackIoErrorReasonMsg(id, body)),
    ];

    private static DomainEventGraphicsMsg Graphics(NonnullDomain dom, DomainEvent.Graphics happened) => new(
        dom,
        (int)happened.Phase,
        new DomainEventGraphicsAddress((int)happened.Local.Family, happened.Local.Node, happened.Local.Service),
        new DomainEventGraphicsAddress((int)happened.Remote.Family, happened.Remote.Node, happened.Remote.Service),
        happened.AuthScheme,
        [.. happened.Subject.Select(identity => new DomainEventGraphicsIdentity(identity.Type, identity.Name))]);

    private static EventMessage[] One<TLegacy, TCallback>(
        int eventId, int legacy, TLegacy body, int callback, Func<int, TLegacy, TCallback> wrap)
        where TLegacy : struct, IXdr<TLegacy>
        where TCallback : struct, IXdr<TCallback> =>
    [
        new EventMessage(
            eventId,
            session => session.SendEvent(RemoteProcedure.Program, RemoteProcedure.Version, legacy, body),
            (session, id) => session.SendEvent(RemoteProcedure.Program, RemoteProcedure.Version, callback, wrap(id, body))),
    ];

    /// <summary>Kinds newer than the legacy registration, which cannot carry them.</summary>
    private static EventMessage[] OnlyCallback<TCallback>(int eventId, int callback, Func<int, TCallback> body)
        where TCallback : struct, IXdr<TCallback> =>
    [
        new EventMessage(
            eventId,
            _ => { },
            (session, id) => session.SendEvent(RemoteProcedure.Program, RemoteProcedure.Version, callback, body(id))),
    ];
}
