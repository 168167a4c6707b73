using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Storage;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// Disk images in storage pools.
internal sealed partial class RemoteProgram
{
    private const uint VolumePreallocateMetadata = 1, VolumeValidate = 4;
    private const uint VolumeUsePhysical = 1;
    private const uint VolumeDeleteZeroed = 1;

    [Procedure(RemoteProcedure.StoragePoolNumOfVolumes)]
    private ValueTask<StoragePoolNumOfVolumesRet> StoragePoolNumOfVolumes(ServerCall call, StoragePoolNumOfVolumesArgs args, CancellationToken ct)
    {
        return new(new StoragePoolNumOfVolumesRet(ActivePool(call, args.Pool).Now.Volumes.Count));
    }

    [Procedure(RemoteProcedure.StoragePoolListVolumes)]
    private ValueTask<StoragePoolListVolumesRet> StoragePoolListVolumes(ServerCall call, StoragePoolListVolumesArgs args, CancellationToken ct)
    {
        return new(new StoragePoolListVolumesRet([.. ActivePool(call, args.Pool).Now.Volumes.Keys.Take(Math.Max(args.Maxnames, 0))]));
    }

    [Procedure(RemoteProcedure.StoragePoolListAllVolumes)]
    private ValueTask<StoragePoolListAllVolumesRet> StoragePoolListAllVolumes(
        ServerCall call, StoragePoolListAllVolumesArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "storagePoolListAllVolumes", ErrorDomain.Storage);
        var pool = ActivePool(call, args.Pool);
        var volumes = pool.Now.Volumes.Values.Select(volume => Name(pool, volume)).ToImmutableArray();
        return new(new StoragePoolListAllVolumesRet(args.NeedResults != 0 ? volumes : [], (uint)volumes.Length));
    }

    [Procedure(RemoteProcedure.StorageVolLookupByName)]
    private ValueTask<StorageVolLookupByNameRet> StorageVolLookupByName(ServerCall call, StorageVolLookupByNameArgs args, CancellationToken ct)
    {
        var pool = ActivePool(call, args.Pool);
        var volume = pool.Now.Volumes.GetValueOrDefault(args.Name) ?? throw NoVolume($"no storage vol with matching name '{args.Name}'");
        return new(new StorageVolLookupByNameRet(Name(pool, volume)));
    }

    [Procedure(RemoteProcedure.StorageVolLookupByKey)]
    private ValueTask<StorageVolLookupByKeyRet> StorageVolLookupByKey(ServerCall call, StorageVolLookupByKeyArgs args, CancellationToken ct)
    {
        Client(call);
        var (pool, volume) = Storage.FindVolume(args.Key) ?? throw NoVolume($"no storage vol with matching key {args.Key}");
        return new(new StorageVolLookupByKeyRet(Name(pool, volume)));
    }

    [Procedure(RemoteProcedure.StorageVolLookupByPath)]
    private ValueTask<StorageVolLookupByPathRet> StorageVolLookupByPath(ServerCall call, StorageVolLookupByPathArgs args, CancellationToken ct)
    {
        Client(call);
        var (pool, volume) = Storage.FindVolume(args.Path) ?? throw NoVolume($"no storage vol with matching path '{args.Path}'");
        return new(new StorageVolLookupByPathRet(Name(pool, volume)));
    }

    [Procedure(RemoteProcedure.StoragePoolLookupByVolume)]
    private ValueTask<StoragePoolLookupByVolumeRet> StoragePoolLookupByVolume(
        ServerCall call, StoragePoolLookupByVolumeArgs args, CancellationToken ct)
    {
        Client(call);
        return new(new StoragePoolLookupByVolumeRet(Name(Storage.Find(args.Vol.Pool) ?? throw NoPool($"no storage pool with matching name '{args.Vol.Pool}'"))));
    }

    [Procedure(RemoteProcedure.StorageVolCreateXml)]
    private async ValueTask<StorageVolCreateXmlRet> StorageVolCreateXml(ServerCall call, StorageVolCreateXmlArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, VolumePreallocateMetadata | VolumeValidate, "storageVolCreateXML", ErrorDomain.Storage);
        var pool = Pool(call, args.Pool);
        return new StorageVolCreateXmlRet(Name(pool, await Storage.CreateVolumeAsync(pool, args.Xml, Has(args.Flags, VolumePreallocateMetadata), ct)));
    }

    [Procedure(RemoteProcedure.StorageVolDelete)]
    private async ValueTask StorageVolDelete(ServerCall call, StorageVolDeleteArgs args, CancellationToken ct)
    {
        var (pool, volume) = Volume(call, args.Vol);
        CheckFlags(args.Flags, VolumeDeleteZeroed, "virStorageBackendVolDeleteLocal", ErrorDomain.Storage);
        await Storage.DeleteVolumeAsync(pool, volume.Name, ct);
    }

    [Procedure(RemoteProcedure.StorageVolGetInfo)]
    private async ValueTask<StorageVolGetInfoRet> StorageVolGetInfo(ServerCall call, StorageVolGetInfoArgs args, CancellationToken ct)
    {
        var volume = await LookAsync(call, args.Vol, ct);
        return new StorageVolGetInfoRet((byte)volume.Kind, volume.Capacity, volume.Allocation);
    }

    [Procedure(RemoteProcedure.StorageVolGetInfoFlags)]
    private async ValueTask<StorageVolGetInfoFlagsRet> StorageVolGetInfoFlags(ServerCall call, StorageVolGetInfoFlagsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, VolumeUsePhysical, "storageVolGetInfoFlags", ErrorDomain.Storage);
        var volume = await LookAsync(call, args.Vol, ct);
        return new StorageVolGetInfoFlagsRet((byte)volume.Kind, volume.Capacity, Has(args.Flags, VolumeUsePhysical) ? volume.Physical : volume.Allocation);
    }

    [Procedure(RemoteProcedure.StorageVolGetXmlDesc)]
    private async ValueTask<StorageVolGetXmlDescRet> StorageVolGetXmlDesc(ServerCall call, StorageVolGetXmlDescArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "storageVolGetXMLDesc", ErrorDomain.Storage);
        return new StorageVolGetXmlDescRet((await LookAsync(call, args.Vol, ct)).ToXml());
    }

    [Procedure(RemoteProcedure.StorageVolGetPath)]
    private ValueTask<StorageVolGetPathRet> StorageVolGetPath(ServerCall call, StorageVolGetPathArgs args, CancellationToken ct)
    {
        return new(new StorageVolGetPathRet(Volume(call, args.Vol).Volume.Path));
    }

    private StoragePool ActivePool(ServerCall call, NonnullStoragePool name)
    {
        var pool = Pool(call, name);
        return pool.Now.IsActive ? pool : throw StorageDriver.NotActive(pool);
    }

    private (StoragePool Pool, StorageVolume Volume) Volume(ServerCall call, NonnullStorageVol vol)
    {
        Client(call);
        var pool = Storage.Find(vol.Pool) ?? throw NoPool($"no storage pool with matching name '{vol.Pool}'");
        if (!pool.Now.IsActive)
            throw StorageDriver.NotActive(pool);
        return (pool, pool.Now.Volumes.GetValueOrDefault(vol.Name) ?? throw NoVolume($"no storage vol with matching name '{vol.Name}'"));
    }

    private Task<StorageVolume> LookAsync(ServerCall call, NonnullStorageVol vol, CancellationToken ct) =>
        StorageDriver.LookAsync(Volume(call, vol).Volume, ct);

    private static NonnullStorageVol Name(StoragePool pool, StorageVolume volume) => new(pool.Name, volume.Name, volume.Path);

    private static WherryException NoVolume(string text) => new(ErrorCode.NoStorageVol, text, ErrorDomain.Storage);
}
