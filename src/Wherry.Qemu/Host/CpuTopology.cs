namespace Wherry.Qemu.Host;

/// <summary>Where one host CPU sits. Ids are the kernel's; an absent file or -1 ("this architecture has no such level") counts as 0.</summary>
/// <param name="Id">CPU number.</param>
/// <param name="Siblings">Threads of the same core, this CPU included.</param>
public sealed record CpuTopology(int Id, int SocketId, int DieId, int CoreId, CpuSet Siblings)
{
    public static CpuTopology Read(HostFiles files, int cpu)
    {
        var directory = $"{CpuMap.Directory}/cpu{cpu}/topology";
        return new CpuTopology(
            cpu,
            Level("physical_package_id"),
            Level("die_id"),
            Level("core_id"),
            files.TryReadCpuSet($"{directory}/thread_siblings_list") ?? new CpuSet([cpu]));

        int Level(string name) => (int)Math.Max(0, files.TryReadNumber($"{directory}/{name}") ?? 0);
    }
}
