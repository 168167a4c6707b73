using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// Subscriptions, in the three styles that clients of different ages use.
internal sealed partial class RemoteProgram
{
    /// <summary>One past the newest event that libvirt 9.0 knows.</summary>
    private const int EventKinds = 27;

    /// <summary>One past the newest event that the older registrations know: device-removed.</summary>
    private const int LegacyEventKinds = 16;

    [Procedure(RemoteProcedure.ConnectDomainEventRegister)]
    private ValueTask<ConnectDomainEventRegisterRet> ConnectDomainEventRegister(ServerCall call, CancellationToken ct)
    {
        Subscribe(call).AddLegacy(eventId: 0);
        return new(new ConnectDomainEventRegisterRet(1));
    }

    [Procedure(RemoteProcedure.ConnectDomainEventDeregister)]
    private ValueTask<ConnectDomainEventDeregisterRet> ConnectDomainEventDeregister(ServerCall call, CancellationToken ct)
    {
        Client(call).Subscriptions.RemoveLegacy(eventId: 0);
        return new(new ConnectDomainEventDeregisterRet(0));
    }

    [Procedure(RemoteProcedure.ConnectDomainEventRegisterAny)]
    private ValueTask ConnectDomainEventRegisterAny(ServerCall call, ConnectDomainEventRegisterAnyArgs args, CancellationToken ct)
    {
        CheckEvent(args.EventId, LegacyEventKinds);
        Subscribe(call).AddLegacy(args.EventId);
        return default;
    }

    [Procedure(RemoteProcedure.ConnectDomainEventDeregisterAny)]
    private ValueTask ConnectDomainEventDeregisterAny(ServerCall call, ConnectDomainEventDeregisterAnyArgs args, CancellationToken ct)
    {
        CheckEvent(args.EventId, LegacyEventKinds);
        Client(call).Subscriptions.RemoveLegacy(args.EventId);
        return default;
    }

    [Procedure(RemoteProcedure.ConnectDomainEventCallbackRegisterAny)]
    private ValueTask<ConnectDomainEventCallbackRegisterAnyRet> ConnectDomainEventCallbackRegisterAny(
        ServerCall call, ConnectDomainEventCallbackRegisterAnyArgs args, CancellationToken ct)
    {
        CheckEvent(args.EventId, EventKinds);
        return new(new ConnectDomainEventCallbackRegisterAnyRet(Subscribe(call).Add(args.EventId, args.Dom?.Uuid)));
    }

    [Procedure(RemoteProcedure.ConnectDomainEventCallbackDeregisterAny)]
    private ValueTask ConnectDomainEventCallbackDeregisterAny(
        ServerCall call, ConnectDomainEventCallbackDeregisterAnyArgs args, CancellationToken ct)
    {
        Client(call).Subscriptions.Remove(args.CallbackId);
        return default;
    }

    private Daemon.Events.EventSubscriptions Subscribe(ServerCall call)
    {
        var subscriptions = Client(call).Subscriptions;
        context.Events.Add(subscriptions);
        return subscriptions;
    }

    private static void CheckEvent(int eventId, int kinds)
    {
        if (eventId < 0 || eventId >= kinds)
            throw new WherryException(ErrorCode.InternalError, $"unsupported event ID {eventId}", ErrorDomain.Rpc);
    }
}
