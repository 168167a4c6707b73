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
        var name = Has(args.Flags, lease) ? null : await Driver.FindGuestHostnameAsync(Domain(call, args.Dom), Owner("DomainGetHostname"), ct);
        return new DomainGetHostnameRet(name ?? throw new WherryException(ErrorCode.NoHostname, $"no hostname found for domain {snapshot.Name}"));
    }

    [Procedure(RemoteProcedure.DomainGetTime)]
    private async ValueTask<DomainGetTimeRet> DomainGetTime(ServerCall call, DomainGetTimeArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainGetTime");
        var (seconds, nanoseconds) = await Driver.GetGuestTimeAsync(Domain(call, args.Dom), Owner("DomainGetTime"), ct);
        return new DomainGetTimeRet(seconds, nanoseconds);
    }

    [Procedure(RemoteProcedure.DomainGetFsinfo)]
    private async ValueTask<DomainGetFsinfoRet> DomainGetFsinfo(ServerCall call, DomainGetFsinfoArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainGetFSInfo");
        var domain = Domain(call, args.Dom);
        ActiveSnapshot(call, args.Dom);
        var systems = await Driver.GetGuestFileSystemsAsync(domain, Owner("DomainGetFSInfo"), ct);
        var spec = ActiveSnapshot(call, args.Dom).Definition.Spec;
        CheckCount(systems.Length, RemoteLimits.DomainFsinfo, "mountpoints");
        return new DomainGetFsinfoRet(
            [.. systems.Select(system => new DomainFsinfo(
                system.MountPoint,
                system.Name,
                system.Type,
                [.. system.Disks.Select(disk => disk.TargetIn(spec)).OfType<string>().Take(RemoteLimits.DomainFsinfoDisks)]))],
            (uint)systems.Length);
    }

    [Procedure(RemoteProcedure.DomainGetGuestInfo)]
    private async ValueTask<DomainGetGuestInfoRet> DomainGetGuestInfo(ServerCall call, DomainGetGuestInfoArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainGetGuestInfo");
        if ((args.Types & ~(uint)GuestTopics.All) is var unknown and not 0)
            throw new WherryException(ErrorCode.InvalidArg, $"unsupported guest information types '0x{unknown:x}'");
        var report = await Driver.GetGuestReportAsync(Domain(call, args.Dom), (GuestTopics)args.Types, Owner("DomainGetGuestInfo"), ct);
        var parameters = GuestReportReply.Parameters(report);
        CheckCount(parameters.Length, RemoteLimits.DomainGuestInfoParams, "guest info parameters");
        return new DomainGetGuestInfoRet(parameters);
    }

    [Procedure(RemoteProcedure.DomainInterfaceAddresses)]
    private async ValueTask<DomainInterfaceAddressesRet> DomainInterfaceAddresses(ServerCall call, DomainInterfaceAddressesArgs args, CancellationToken ct)
    {
        const uint lease = 0, agent = 1, arp = 2;
        CheckFlags(args.Flags, 0, "qemuDomainInterfaceAddresses");
        var snapshot = ActiveSnapshot(call, args.Dom);
        switch (args.Source)
        {
            case lease:
                return new DomainInterfaceAddressesRet([]); // as in DomainGetHostname
            case agent:
                var interfaces = await Driver.GetGuestInterfacesAsync(Domain(call, args.Dom), Owner("DomainInterfaceAddresses"), ct);
                CheckCount(interfaces.Length, RemoteLimits.DomainInterface, "interfaces");
                return new DomainInterfaceAddressesRet(
                    [.. interfaces.Select(one => new DomainInterface(
                        one.Name,
                        one.Mac,
                        [.. one.Addresses.Take(RemoteLimits.DomainIpAddr).Select(address => new DomainIpAddr(address.IsIpv6 ? 1 : 0, address.Address, address.Prefix))]))]);
            case arp:
                return new DomainInterfaceAddressesRet([.. Neighbours(snapshot)]);
            default:
                throw new WherryException(ErrorCode.ArgumentUnsupported, $"Unknown IP address data source {args.Source}");
        }
    }

    /// <summary>A guest may say what it likes; a client takes no more than libvirt's limits.</summary>
    private static void CheckCount(int count, int limit, string what)
    {
        if (count > limit)
            throw new WherryException(ErrorCode.InternalError, $"Too many {what} in a reply of the guest agent: {count} for limit {limit}", ErrorDomain.Rpc);
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
}
