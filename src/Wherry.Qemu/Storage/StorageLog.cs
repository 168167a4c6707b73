using Microsoft.Extensions.Logging;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Storage;

/// <summary>Log messages of storage, 6000-6099.</summary>
internal static partial class StorageLog
{
    [LoggerMessage(6000, LogLevel.Information, "storage pool '{Name}' {Uuid} is now {Change}")]
    public static partial void Changed(ILogger logger, string name, Guid uuid, StoragePoolChange change);

    [LoggerMessage(6001, LogLevel.Error, "storage pool '{Name}' did not start with the daemon: {Reason}")]
    public static partial void NotStarted(ILogger logger, string name, string reason);

    [LoggerMessage(6002, LogLevel.Error, "storage pool file not understood, kept aside: {Damage}")]
    public static partial void Damaged(ILogger logger, StateFileDamage damage);

    [LoggerMessage(6003, LogLevel.Information, "storage volume '{Path}' created: {Capacity} bytes for a guest")]
    public static partial void VolumeCreated(ILogger logger, string path, ulong capacity);

    [LoggerMessage(6004, LogLevel.Information, "storage volume '{Path}' deleted")]
    public static partial void VolumeDeleted(ILogger logger, string path);
}
