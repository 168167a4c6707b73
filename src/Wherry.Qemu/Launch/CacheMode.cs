using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>What libvirt's cache words mean to QEMU.</summary>
/// <param name="WriteBack">The guest sees a write cache and must flush it.</param>
/// <param name="Direct">Bypass the host's page cache (O_DIRECT).</param>
/// <param name="NoFlush">Ignore the guest's flushes.</param>
internal readonly record struct CacheMode(bool WriteBack, bool Direct, bool NoFlush)
{
    /// <summary>null: the domain leaves it to QEMU. A shared disk never goes through a host's page cache, which the other host cannot see.</summary>
    public static CacheMode? Of(DiskSpec disk) => (disk.Cache ?? (disk.Shareable && !disk.ReadOnly ? "none" : null)) switch
    {
        null or "default" => null,
        "none" => new CacheMode(WriteBack: true, Direct: true, NoFlush: false),
        "writeback" => new CacheMode(WriteBack: true, Direct: false, NoFlush: false),
        "writethrough" => new CacheMode(WriteBack: false, Direct: false, NoFlush: false),
        "directsync" => new CacheMode(WriteBack: false, Direct: true, NoFlush: false),
        "unsafe" => new CacheMode(WriteBack: true, Direct: false, NoFlush: true),
        var other => throw new WherryException(ErrorCode.ConfigUnsupported, $"unsupported disk cache mode '{other}'"),
    };
}
