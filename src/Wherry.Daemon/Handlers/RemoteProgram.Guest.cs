using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Host;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// What only the guest knows. libvirt asks its agent; what it can learn on the host, from DHCP leases and neighbours, it offers too.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainGetHostname)]
    private async ValueTask<DomainGetHostnameRet> DomainGetHostname(ServerCall call, DomainGetHostnameArgs args, CancellationToken ct)
    {
        const uint lease = 1, agent = 2;
        CheckFlags(args.Flags, lease | agent, "qemuDomainGetHostname");
        if ((args.Flags & (lease | agent)) == (lease | agent))
            throw WherryException.RefusedArgument(
                "qemuDomainGetHostname", "VIR_DOMAIN_GET_HOSTNAME_LEASE",
                "Flags 'VIR_DOMAIN_GET_HOSTNAME_LEASE' and 'VIR_DOMAIN_GET_HOSTNAME_AGENT' are mutually exclusive");
        var snapshot = ActiveSnapshot(call, args.Dom);
        // Leases are those of libvirt's own networks, and no interface can be on one.
        if (Has(args.Flags, lease))
            throw new WherryException(ErrorCode.NoHostname, $"no hostname found for domain {snapshot.Name}");
        return new DomainGetHostnameRet(await Driver.GetGuestHostnameAsync(Domain(call, args.Dom), Owner("DomainGetHostname"), ct));
    }

    [Procedure(RemoteProcedure.DomainGetTime)]
    private async ValueTask<DomainGetTimeRet> DomainGetTime(ServerCall call, DomainGetTimeArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainGetTime");
        var (seconds, nanoseconds) = await Driver.GetGuestTimeAsync(Domain(call, args.Dom), Owner("DomainGetTime"), ct);
        return new DomainGetTimeRet(seconds, nanoseconds);
    }

    [Procedure(RemoteProcedure.DomainGetFsinfo)]
    private ValueTask<DomainGetFsinfoRet> DomainGetFsinfo(ServerCall call, DomainGetFsinfoArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainGetFSInfo");
        throw WithoutAgent(ActiveSnapshot(call, args.Dom));
    }

    [Procedure(RemoteProcedure.DomainGetGuestInfo)]
    private ValueTask<DomainGetGuestInfoRet> DomainGetGuestInfo(ServerCall call, DomainGetGuestInfoArgs args, CancellationToken ct)
    {
        const uint users = 1, os = 2, timezone = 4, hostname = 8, filesystem = 16, disks = 32, interfaces = 64;
        CheckFlags(args.Flags, 0, "qemuDomainGetGuestInfo");
        if ((args.Types & ~(users | os | timezone | hostname | filesystem | disks | interfaces)) is var unknown and not 0)
            throw new WherryException(ErrorCode.InvalidArg, $"unsupported guest information types '0x{unknown:x}'");
        throw WithoutAgent(Domain(call, args.Dom).Snapshot);
    }

    [Procedure(RemoteProcedure.DomainInterfaceAddresses)]
    private ValueTask<DomainInterfaceAddressesRet> DomainInterfaceAddresses(ServerCall call, DomainInterfaceAddressesArgs args, CancellationToken ct)
    {
        const uint lease = 0, agent = 1, arp = 2;
        CheckFlags(args.Flags, 0, "qemuDomainInterfaceAddresses");
        var snapshot = ActiveSnapshot(call, args.Dom);
        return args.Source switch
        {
            lease => new(new DomainInterfaceAddressesRet([])), // as in DomainGetHostname
            agent => throw WithoutAgent(snapshot),
            arp => new(new DomainInterfaceAddressesRet([.. Neighbours(snapshot)])),
            _ => throw new WherryException(ErrorCode.ArgumentUnsupported, $"Unknown IP address data source {args.Source}"),
        };
    }

    private IEnumerable<DomainInterface> Neighbours(DomainSnapshot snapshot)
    {
        var neighbours = Neighbour.ReadAll(context.HostFiles);
        return
            from device in snapshot.Definition.Spec.Interfaces
            from neighbour in neighbours
            where string.Equals(neighbour.Mac, device.Mac, StringComparison.OrdinalIgnoreCase)
            select new DomainInterface(device.TargetDev ?? "", device.Mac, [new DomainIpAddr(0, neighbour.Address, 0)]);
    }

    /// <summary>No launch security is on offer, so there is nothing to tell, which is no error.</summary>
    [Procedure(RemoteProcedure.DomainGetLaunchSecurityInfo)]
    private ValueTask<DomainGetLaunchSecurityInfoRet> DomainGetLaunchSecurityInfo(
        ServerCall call, DomainGetLaunchSecurityInfoArgs args, CancellationToken ct)
    {
        Domain(call, args.Dom);
        return new(new DomainGetLaunchSecurityInfoRet([]));
    }

    private DomainSnapshot ActiveSnapshot(ServerCall call, NonnullDomain dom) =>
        Domain(call, dom).Snapshot is { IsActive: true } snapshot ? snapshot : throw DomainRefusals.NotRunning();

    /// <summary>Why the agent of this guest cannot be asked.</summary>
    private static WherryException WithoutAgent(DomainSnapshot snapshot) =>
        snapshot.Status.State != DomainState.Running ? new(ErrorCode.OperationInvalid, "domain is not running")
        : snapshot.Definition.Spec.Channels.Any(channel => channel.IsGuestAgent) ? new(ErrorCode.AgentUnresponsive, "QEMU guest agent is not connected")
        : new(ErrorCode.ArgumentUnsupported, "QEMU guest agent is not configured");
}
