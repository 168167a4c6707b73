namespace Wherry.Qemu.Migration.Disks;

/// <summary>One disk that is copied while the guest runs, and every name the copy has. Source: migration.md A4, B3.</summary>
/// <param name="Target">Guest-visible target such as <c>vda</c>.</param>
/// <param name="Alias">The device's alias such as <c>virtio-disk0</c>.</param>
/// <param name="SourceNode">Node name of the source image's top node.</param>
/// <param name="CapacityBytes">Virtual size.</param>
public sealed record MirroredDisk(string Target, string Alias, string SourceNode, ulong CapacityBytes)
{
    /// <summary>The source image's format is raw. Only needed to start the mirror.</summary>
    public bool IsRaw { get; init; }

    /// <summary>Name of the mirror job, and of the export at the destination: stock peers look for exactly this.</summary>
    public string JobId => $"drive-{Alias}";

    /// <summary>The NBD client node at the source; also what <c>yank</c> is told to cut.</summary>
    public string StorageNode => $"migration-{Target}-storage";

    /// <summary>The raw node above it, which the mirror writes to.</summary>
    public string FormatNode => $"migration-{Target}-format";
}
