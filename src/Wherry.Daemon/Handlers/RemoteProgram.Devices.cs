using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// Devices that come, go or change while a domain exists.
internal sealed partial class RemoteProgram
{
    private const uint DeviceModifyForce = 4;

    [Procedure(RemoteProcedure.DomainAttachDevice)]
    private async ValueTask DomainAttachDevice(ServerCall call, DomainAttachDeviceArgs args, CancellationToken ct) =>
        await Driver.AttachDeviceAsync(Domain(call, args.Dom), args.Xml, new Affect(Live: true, Config: false), Owner("DomainAttachDevice"), ct);

    [Procedure(RemoteProcedure.DomainAttachDeviceFlags)]
    private async ValueTask DomainAttachDeviceFlags(ServerCall call, DomainAttachDeviceFlagsArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainAttachDeviceLiveAndConfig");
        await Driver.AttachDeviceAsync(domain, args.Xml, Affect(args.Flags), Owner("DomainAttachDeviceFlags"), ct);
    }

    [Procedure(RemoteProcedure.DomainDetachDevice)]
    private async ValueTask DomainDetachDevice(ServerCall call, DomainDetachDeviceArgs args, CancellationToken ct) =>
        await Driver.DetachDeviceAsync(Domain(call, args.Dom), args.Xml, new Affect(Live: true, Config: false), Owner("DomainDetachDevice"), ct);

    [Procedure(RemoteProcedure.DomainDetachDeviceFlags)]
    private async ValueTask DomainDetachDeviceFlags(ServerCall call, DomainDetachDeviceFlagsArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainDetachDeviceLiveAndConfig");
        await Driver.DetachDeviceAsync(domain, args.Xml, Affect(args.Flags), Owner("DomainDetachDeviceFlags"), ct);
    }

    [Procedure(RemoteProcedure.DomainDetachDeviceAlias)]
    private async ValueTask DomainDetachDeviceAlias(ServerCall call, DomainDetachDeviceAliasArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainDetachDeviceAliasLiveAndConfig");
        await Driver.DetachDeviceAliasAsync(domain, args.Alias, Affect(args.Flags), Owner("DomainDetachDeviceAlias"), ct);
    }

    [Procedure(RemoteProcedure.DomainUpdateDeviceFlags)]
    private async ValueTask DomainUpdateDeviceFlags(ServerCall call, DomainUpdateDeviceFlagsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, AffectLive | AffectConfig | DeviceModifyForce, "qemuDomainUpdateDeviceFlags");
        await Driver.UpdateDeviceAsync(
            Domain(call, args.Dom), args.Xml, Affect(args.Flags), Has(args.Flags, DeviceModifyForce), Owner("DomainUpdateDeviceFlags"), ct);
    }
}
