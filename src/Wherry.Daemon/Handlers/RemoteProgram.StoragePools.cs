using System.Collections.Immutable;
using Wherry.Daemon.Events;
using Wherry.Errors;
using Wherry.Qemu.Storage;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// Storage pools: directories. virt-install makes one of whatever directory a disk image lies in.
internal sealed partial class RemoteProgram
{
    private const uint PoolListInactive = 1, PoolListActive = 2, PoolListPersistent = 4, PoolListTransient = 8, PoolListAutostart = 16,
        PoolListNoAutostart = 32, PoolListDirectories = 64, PoolFilters = (1 << 20) - 1, PoolListKinds = PoolFilters & ~63u;

    private const uint PoolCreateBuild = 1, PoolCreateFlags = 7, PoolDefineValidate = 1, PoolCreateValidate = 8;
    private const uint PoolXmlInactive = 1;
    private const byte PoolInactive = 0, PoolRunning = 2;

    private StorageDriver Storage => context.Storage;

    [Procedure(RemoteProcedure.ConnectListAllStoragePools)]
    private ValueTask<ConnectListAllStoragePoolsRet> ConnectListAllStoragePools(
        ServerCall call, ConnectListAllStoragePoolsArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, PoolFilters, "storageConnectListAllStoragePools", ErrorDomain.Storage);
        var pools = Storage.Pools.Where(pool => IsListed(pool.Now, args.Flags)).Select(Name).ToImmutableArray();
        return new(new ConnectListAllStoragePoolsRet(args.NeedResults != 0 ? pools : [], (uint)pools.Length));
    }

    [Procedure(RemoteProcedure.ConnectNumOfStoragePools)]
    private ValueTask<ConnectNumOfStoragePoolsRet> ConnectNumOfStoragePools(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfStoragePoolsRet(Storage.Pools.Count(pool => pool.Now.IsActive == true)));
    }

    [Procedure(RemoteProcedure.ConnectListStoragePools)]
    private ValueTask<ConnectListStoragePoolsRet> ConnectListStoragePools(ServerCall call, ConnectListStoragePoolsArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListStoragePoolsRet([.. PoolNames(active: true).Take(Math.Max(args.Maxnames, 0))]));
    }

    [Procedure(RemoteProcedure.ConnectNumOfDefinedStoragePools)]
    private ValueTask<ConnectNumOfDefinedStoragePoolsRet> ConnectNumOfDefinedStoragePools(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectNumOfDefinedStoragePoolsRet(Storage.Pools.Count(pool => pool.Now.IsActive == false)));
    }

    [Procedure(RemoteProcedure.ConnectListDefinedStoragePools)]
    private ValueTask<ConnectListDefinedStoragePoolsRet> ConnectListDefinedStoragePools(
        ServerCall call, ConnectListDefinedStoragePoolsArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectListDefinedStoragePoolsRet([.. PoolNames(active: false).Take(Math.Max(args.Maxnames, 0))]));
    }

    [Procedure(RemoteProcedure.StoragePoolLookupByName)]
    private ValueTask<StoragePoolLookupByNameRet> StoragePoolLookupByName(ServerCall call, StoragePoolLookupByNameArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new StoragePoolLookupByNameRet(Name(Storage.Find(args.Name) ?? throw NoPool($"no storage pool with matching name '{args.Name}'"))));
    }

    [Procedure(RemoteProcedure.StoragePoolLookupByUuid)]
    private ValueTask<StoragePoolLookupByUuidRet> StoragePoolLookupByUuid(ServerCall call, StoragePoolLookupByUuidArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new StoragePoolLookupByUuidRet(Name(Storage.Find(args.Uuid) ?? throw NoPool($"no storage pool with matching uuid '{args.Uuid}'"))));
    }

    [Procedure(RemoteProcedure.StoragePoolLookupByTargetPath)]
    private ValueTask<StoragePoolLookupByTargetPathRet> StoragePoolLookupByTargetPath(
        ServerCall call, StoragePoolLookupByTargetPathArgs args, CancellationToken ct)
    {
        Client(call);
        var pool = Storage.Pools.FirstOrDefault(pool => pool.Now.IsActive && pool.Now.Spec.TargetPath == args.Path);
        return new(new StoragePoolLookupByTargetPathRet(Name(pool ?? throw NoPool($"no storage pool with matching target path '{args.Path}'"))));
    }

    [Procedure(RemoteProcedure.StoragePoolDefineXml)]
    private async ValueTask<StoragePoolDefineXmlRet> StoragePoolDefineXml(ServerCall call, StoragePoolDefineXmlArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, PoolDefineValidate, "storagePoolDefineXML", ErrorDomain.Storage);
        return new StoragePoolDefineXmlRet(Name(await Storage.DefineAsync(args.Xml, ct)));
    }

    [Procedure(RemoteProcedure.StoragePoolCreateXml)]
    private async ValueTask<StoragePoolCreateXmlRet> StoragePoolCreateXml(ServerCall call, StoragePoolCreateXmlArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, PoolCreateFlags | PoolCreateValidate, "storagePoolCreateXML", ErrorDomain.Storage);
        return new StoragePoolCreateXmlRet(Name(await Storage.CreateAsync(args.Xml, Has(args.Flags, PoolCreateBuild), ct)));
    }

    [Procedure(RemoteProcedure.StoragePoolCreate)]
    private async ValueTask StoragePoolCreate(ServerCall call, StoragePoolCreateArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, PoolCreateFlags, "storagePoolCreate", ErrorDomain.Storage);
        await Storage.StartAsync(Pool(call, args.Pool), Has(args.Flags, PoolCreateBuild), ct);
    }

    [Procedure(RemoteProcedure.StoragePoolBuild)]
    private async ValueTask StoragePoolBuild(ServerCall call, StoragePoolBuildArgs args, CancellationToken ct)
    {
        var pool = Pool(call, args.Pool);
        CheckFlags(args.Flags, 0, "virStorageBackendDirBuild", ErrorDomain.Storage);
        await Storage.BuildAsync(pool, ct);
    }

    [Procedure(RemoteProcedure.StoragePoolDestroy)]
    private async ValueTask StoragePoolDestroy(ServerCall call, StoragePoolDestroyArgs args, CancellationToken ct)
    {
        await Storage.StopAsync(Pool(call, args.Pool), ct);
    }

    [Procedure(RemoteProcedure.StoragePoolDelete)]
    private async ValueTask StoragePoolDelete(ServerCall call, StoragePoolDeleteArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "virStorageBackendDeleteLocal", ErrorDomain.Storage);
        await Storage.DeleteAsync(Pool(call, args.Pool), ct);
    }

    [Procedure(RemoteProcedure.StoragePoolUndefine)]
    private async ValueTask StoragePoolUndefine(ServerCall call, StoragePoolUndefineArgs args, CancellationToken ct)
    {
        await Storage.UndefineAsync(Pool(call, args.Pool), ct);
    }

    [Procedure(RemoteProcedure.StoragePoolRefresh)]
    private async ValueTask StoragePoolRefresh(ServerCall call, StoragePoolRefreshArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "storagePoolRefresh", ErrorDomain.Storage);
        await Storage.RefreshAsync(Pool(call, args.Pool), ct);
    }

    [Procedure(RemoteProcedure.StoragePoolGetInfo)]
    private ValueTask<StoragePoolGetInfoRet> StoragePoolGetInfo(ServerCall call, StoragePoolGetInfoArgs args, CancellationToken ct)
    {
        var now = Pool(call, args.Pool).Now;
        var sizes = now.Sizes;
        return new(new StoragePoolGetInfoRet(now.IsActive ? PoolRunning : PoolInactive, sizes.Capacity, sizes.Allocation, sizes.Available));
    }

    [Procedure(RemoteProcedure.StoragePoolGetXmlDesc)]
    private ValueTask<StoragePoolGetXmlDescRet> StoragePoolGetXmlDesc(ServerCall call, StoragePoolGetXmlDescArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, PoolXmlInactive, "storagePoolGetXMLDesc", ErrorDomain.Storage);
        var now = Pool(call, args.Pool).Now;
        var spec = Has(args.Flags, PoolXmlInactive) && now.Next is { } next ? next : now.Spec;
        return new(new StoragePoolGetXmlDescRet(spec.ToXml(now.Sizes, now.Permissions)));
    }

    [Procedure(RemoteProcedure.StoragePoolGetAutostart)]
    private ValueTask<StoragePoolGetAutostartRet> StoragePoolGetAutostart(ServerCall call, StoragePoolGetAutostartArgs args, CancellationToken ct)
    {
        return new(new StoragePoolGetAutostartRet(Pool(call, args.Pool).Now.Autostart ? 1 : 0));
    }

    [Procedure(RemoteProcedure.StoragePoolSetAutostart)]
    private async ValueTask StoragePoolSetAutostart(ServerCall call, StoragePoolSetAutostartArgs args, CancellationToken ct)
    {
        await Storage.SetAutostartAsync(Pool(call, args.Pool), args.Autostart != 0, ct);
    }

    [Procedure(RemoteProcedure.StoragePoolIsActive)]
    private ValueTask<StoragePoolIsActiveRet> StoragePoolIsActive(ServerCall call, StoragePoolIsActiveArgs args, CancellationToken ct)
    {
        return new(new StoragePoolIsActiveRet(Pool(call, args.Pool).Now.IsActive ? 1 : 0));
    }

    [Procedure(RemoteProcedure.StoragePoolIsPersistent)]
    private ValueTask<StoragePoolIsPersistentRet> StoragePoolIsPersistent(ServerCall call, StoragePoolIsPersistentArgs args, CancellationToken ct)
    {
        return new(new StoragePoolIsPersistentRet(Pool(call, args.Pool).Now.IsPersistent ? 1 : 0));
    }

    [Procedure(RemoteProcedure.ConnectStoragePoolEventRegisterAny)]
    private ValueTask<ConnectStoragePoolEventRegisterAnyRet> ConnectStoragePoolEventRegisterAny(
        ServerCall call, ConnectStoragePoolEventRegisterAnyArgs args, CancellationToken ct)
    {
        return new(new ConnectStoragePoolEventRegisterAnyRet(
            SubscribeTo(call, ObjectKind.StoragePool, args.EventId, kinds: 2, args.Pool?.Uuid, "storage pool")));
    }

    [Procedure(RemoteProcedure.ConnectStoragePoolEventDeregisterAny)]
    private ValueTask ConnectStoragePoolEventDeregisterAny(ServerCall call, ConnectStoragePoolEventDeregisterAnyArgs args, CancellationToken ct)
    {
        Client(call).Subscriptions.Remove(ObjectKind.StoragePool, args.CallbackId, "storage pool");
        return default;
    }

    private static bool IsListed(StoragePoolState pool, uint flags)
    {
        bool Admits(uint group, uint own) => (flags & group) == 0 || (flags & own) != 0;
        return Admits(PoolListActive | PoolListInactive, pool.IsActive ? PoolListActive : PoolListInactive)
            && Admits(PoolListPersistent | PoolListTransient, pool.IsPersistent ? PoolListPersistent : PoolListTransient)
            && Admits(PoolListAutostart | PoolListNoAutostart, pool.Autostart ? PoolListAutostart : PoolListNoAutostart)
            && Admits(PoolListKinds, PoolListDirectories);
    }

    private IEnumerable<string> PoolNames(bool active) =>
        Storage.Pools.Where(pool => pool.Now.IsActive == active).Select(pool => pool.Name).Order(StringComparer.Ordinal);

    private StoragePool Pool(ServerCall call, NonnullStoragePool pool)
    {
        Client(call);
        return Storage.Find(pool.Uuid) ?? throw NoPool($"no storage pool with matching uuid '{pool.Uuid}' ({pool.Name})");
    }

    private static NonnullStoragePool Name(StoragePool pool) => new(pool.Name, pool.Uuid);

    private static WherryException NoPool(string text) => new(ErrorCode.NoStoragePool, text, ErrorDomain.Storage);
}
