namespace Wherry.Qemu.Host;

/// <summary>Which host CPUs exist and which of them are online (<c>virsh nodecpumap</c>).</summary>
public sealed record CpuMap(CpuSet Present, CpuSet Online)
{
    internal const string Directory = "sys/devices/system/cpu";

    /// <summary>Kernels without CPU hot-plug have neither file: then every CPU directory is an online CPU.</summary>
    public static CpuMap Read(HostFiles files)
    {
        var present = files.TryReadCpuSet($"{Directory}/present") ?? new CpuSet(files.NumberedEntries(Directory, "cpu"));
        var online = files.TryReadCpuSet($"{Directory}/online") ?? present;
        return new CpuMap(present, online);
    }
}
