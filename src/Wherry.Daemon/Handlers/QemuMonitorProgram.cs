using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.QemuProgram;

namespace Wherry.Daemon.Handlers;

/// <summary>The qemu program: <c>virsh qemu-monitor-command</c> and <c>qemu-monitor-event</c>, for looking under the bonnet.</summary>
[RpcProgram(typeof(QemuProcedure))]
internal sealed partial class QemuMonitorProgram(DaemonContext context)
{
    private const uint Hmp = 1;
    private const uint MatchRegex = 1, MatchNoCase = 2;

    [Procedure(QemuProcedure.DomainMonitorCommand)]
    private async ValueTask<QemuDomainMonitorCommandRet> DomainMonitorCommand(
        ServerCall call, QemuDomainMonitorCommandArgs args, CancellationToken ct)
    {
        RemoteProgram.CheckFlags(args.Flags, Hmp, "qemuDomainQemuMonitorCommand");
        var domain = context.Driver.Get(args.Dom.Uuid, args.Dom.Name);
        var result = await context.Driver.MonitorCommandAsync(
            domain, args.Cmd, isHmp: args.Flags == Hmp, "remoteDispatchQemuDomainMonitorCommand", ct);
        return new QemuDomainMonitorCommandRet(result);
    }

    /// <summary>A QEMU that somebody else has started cannot be taken over: libvirt does not offer it any more either.</summary>
    [Procedure(QemuProcedure.DomainAttach)]
    private ValueTask<QemuDomainAttachRet> DomainAttach(ServerCall call, QemuDomainAttachArgs args, CancellationToken ct) =>
        throw new WherryException(
            ErrorCode.NoSupport, "virDomainQemuAttach", ErrorDomain.None);

    [Procedure(QemuProcedure.DomainAgentCommand)]
    private async ValueTask<QemuDomainAgentCommandRet> DomainAgentCommand(ServerCall call, QemuDomainAgentCommandArgs args, CancellationToken ct)
    {
        if (args.Flags != 0)
            throw new WherryException(ErrorCode.InvalidArg, $"unsupported flags (0x{args.Flags:x}) in function qemuDomainQemuAgentCommand");
        var domain = context.Driver.Get(args.Dom.Uuid, args.Dom.Name);
        return new QemuDomainAgentCommandRet(
            await context.Driver.AgentCommandAsync(domain, args.Cmd, args.Timeout, "remoteDispatchQemuDomainAgentCommand", ct));
    }

    [Procedure(QemuProcedure.ConnectDomainMonitorEventRegister)]
    private ValueTask<QemuConnectDomainMonitorEventRegisterRet> ConnectDomainMonitorEventRegister(
        ServerCall call, QemuConnectDomainMonitorEventRegisterArgs args, CancellationToken ct)
    {
        RemoteProgram.CheckFlags(args.Flags, MatchRegex | MatchNoCase, "virDomainQemuMonitorEventStateRegisterID");
        var subscriptions = ClientState.Of(call.Session, context).Subscriptions;
        var id = subscriptions.AddMonitor(
            args.Dom?.Uuid, args.Event, isRegex: (args.Flags & MatchRegex) != 0, ignoreCase: (args.Flags & MatchNoCase) != 0);
        context.Events.Add(subscriptions);
        return new(new QemuConnectDomainMonitorEventRegisterRet(id));
    }

    [Procedure(QemuProcedure.ConnectDomainMonitorEventDeregister)]
    private ValueTask ConnectDomainMonitorEventDeregister(
        ServerCall call, QemuConnectDomainMonitorEventDeregisterArgs args, CancellationToken ct)
    {
        ClientState.Of(call.Session, context).Subscriptions.RemoveMonitor(args.CallbackId);
        return default;
    }
}
