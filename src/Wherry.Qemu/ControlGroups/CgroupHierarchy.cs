using System.Collections.Immutable;

namespace Wherry.Qemu.ControlGroups;

/// <summary>The unified hierarchy of this host, with what it shares out. There is none where each controller has a hierarchy of its own.</summary>
/// <param name="Root">Where it is mounted.</param>
/// <param name="Controllers">Those that its groups can have, and that we may use.</param>
internal sealed record CgroupHierarchy(string Root, CgroupControllers Controllers)
{
    private const string Mounts = "/proc/mounts";
    private const string UnifiedType = "cgroup2", SeparateType = "cgroup";

    /// <summary>null: no hierarchy that shares out anything that a guest's tuning needs.</summary>
    /// <param name="allowed">Those that the administrator lets us use.</param>
    public static CgroupHierarchy? Find(ICgroupFiles files, CgroupControllers allowed)
    {
        const CgroupControllers shared = CgroupControllers.All & ~CgroupControllers.CpuAccounting;
        foreach (var root in MountPoints(files, UnifiedType))
        {
            var controllers = (CgroupControllerNames.Parse(files.TryRead(root + "/cgroup.controllers") ?? "") | CgroupControllers.CpuAccounting) & allowed;
            if ((controllers & shared) != 0)
                return new CgroupHierarchy(root, controllers);
        }
        return null;
    }

    /// <summary>Whether there are control groups of whatever kind, as libvirt looks for them.</summary>
    public static bool IsAnyMounted(ICgroupFiles files) =>
        MountPoints(files, SeparateType).Any()
        || MountPoints(files, UnifiedType).Any(root => !string.IsNullOrWhiteSpace(files.TryRead(root + "/cgroup.controllers")));

    /// <summary>The kernel's names of all controllers, whichever hierarchy they belong to.</summary>
    public static ImmutableArray<string> KernelControllers(ICgroupFiles files) =>
    [
        .. (files.TryRead("/proc/cgroups") ?? "").Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('\t', ' ')[0]),
    ];

    private static IEnumerable<string> MountPoints(ICgroupFiles files, string type) => (files.TryRead(Mounts) ?? "")
        .Split('\n')
        .Select(line => line.Split(' '))
        .Where(fields => fields.Length > 2 && fields[2] == type)
        .Select(fields => fields[1].Replace("\\040", " ", StringComparison.Ordinal));
}
