using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// Finding and listing domains. Answered from snapshots: a domain that hangs or starts delays no list.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainLookupById)]
    private ValueTask<DomainLookupByIdRet> DomainLookupById(ServerCall call, DomainLookupByIdArgs args, CancellationToken ct)
    {
        Client(call);
        var found = Driver.Domains.FindById(args.Id)
            ?? throw new WherryException(ErrorCode.NoDomain, $"no domain with matching id {args.Id}");
        return new(new DomainLookupByIdRet(Name(found)));
    }

    [Procedure(RemoteProcedure.DomainLookupByUuid)]
    private ValueTask<DomainLookupByUuidRet> DomainLookupByUuid(ServerCall call, DomainLookupByUuidArgs args, CancellationToken ct)
    {
        Client(call);
        var found = Driver.Domains.Find(args.Uuid)
            ?? throw new WherryException(ErrorCode.NoDomain, $"no domain with matching uuid '{args.Uuid}'");
        return new(new DomainLookupByUuidRet(Name(found)));
    }

    [Procedure(RemoteProcedure.DomainLookupByName)]
    private ValueTask<DomainLookupByNameRet> DomainLookupByName(ServerCall call, DomainLookupByNameArgs args, CancellationToken ct)
    {
        Client(call);
        var found = Driver.Domains.Find(args.Name)
            ?? throw new WherryException(ErrorCode.NoDomain, $"no domain with matching name '{args.Name}'");
        return new(new DomainLookupByNameRet(Name(found)));
    }

    [Procedure(RemoteProcedure.ConnectListAllDomains)]
    private ValueTask<ConnectListAllDomainsRet> ConnectListAllDomains(ServerCall call, ConnectListAllDomainsArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, DomainListFilter.KnownFlags, "qemuConnectListAllDomains");
        var found = Driver.Domains.All.Select(domain => domain.Snapshot).Where(snapshot => DomainListFilter.Admits(args.Flags, snapshot));
        if (args.NeedResults == 0)
            return new(new ConnectListAllDomainsRet([], (uint)found.Count()));
        var names = ImmutableArray.CreateBuilder<NonnullDomain>();
        foreach (var snapshot in found.OrderBy(snapshot => snapshot.Name, StringComparer.Ordinal))
            names.Add(Name(snapshot.Identity));
        return new(new ConnectListAllDomainsRet(names.ToImmutable(), (uint)names.Count));
    }

    [Procedure(RemoteProcedure.ConnectNumOfDomains)]
    private ValueTask<ConnectNumOfDomainsRet> ConnectNumOfDomains(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfDomainsRet(Driver.Domains.All.Count(domain => domain.Snapshot.IsActive)));
    }

    [Procedure(RemoteProcedure.ConnectListDomains)]
    private ValueTask<ConnectListDomainsRet> ConnectListDomains(ServerCall call, ConnectListDomainsArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListDomainsRet(
            [.. Driver.Domains.All.Select(domain => domain.Snapshot.Id).Where(id => id >= 0).Order().Take(Math.Max(0, args.Maxids))]));
    }

    [Procedure(RemoteProcedure.ConnectNumOfDefinedDomains)]
    private ValueTask<ConnectNumOfDefinedDomainsRet> ConnectNumOfDefinedDomains(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfDefinedDomainsRet(Driver.Domains.All.Count(domain => !domain.Snapshot.IsActive)));
    }

    [Procedure(RemoteProcedure.ConnectListDefinedDomains)]
    private ValueTask<ConnectListDefinedDomainsRet> ConnectListDefinedDomains(
        ServerCall call, ConnectListDefinedDomainsArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListDefinedDomainsRet(
            [.. Driver.Domains.All.Select(domain => domain.Snapshot).Where(snapshot => !snapshot.IsActive)
                .Select(snapshot => snapshot.Name).Order(StringComparer.Ordinal).Take(Math.Max(0, args.Maxnames))]));
    }
}
