namespace Wherry.Qemu.ControlGroups;

/// <summary>
/// While a virtual CPU is plugged QEMU's own threads may use every NUMA node: KVM allocates for a CPU in the memory that old devices can reach,
/// which is on one node only, maybe none of the guest's.
/// </summary>
internal sealed class EmulatorNodes : IDisposable
{
    private readonly DomainCgroup _cgroup;
    private readonly string _before;

    private EmulatorNodes(DomainCgroup cgroup, string before)
    {
        _cgroup = cgroup;
        _before = before;
    }

    /// <returns>What takes it back when disposed; null: they may already.</returns>
    public static EmulatorNodes? Widen(DomainCgroup? cgroup)
    {
        if (cgroup is null || !cgroup.Has(CgroupControllers.CpuSet) || !cgroup.Contains(ThreadGroup.Emulator))
            return null;
        var before = cgroup.ReadNodes(ThreadGroup.Emulator);
        if (before.Length == 0)
            return null; // those of the host
        cgroup.SetNodes(ThreadGroup.Emulator, cgroup.HostNodes());
        return new EmulatorNodes(cgroup, before);
    }

    public void Dispose()
    {
        try
        {
            _cgroup.SetNodes(ThreadGroup.Emulator, _before);
        }
        catch (WherryException)
        {
            // The guest has ended, and its group with it.
        }
    }
}
