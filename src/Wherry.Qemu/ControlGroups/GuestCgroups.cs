using Microsoft.Extensions.Logging;
using Wherry.Qemu.Domains;

namespace Wherry.Qemu.ControlGroups;

/// <summary>
/// Makes, finds and removes the control groups of guests. See docs/decisions/0012.
/// <code>
///   start:      Create, then values, then QEMU's process is moved in before it is QEMU  (DomainLauncher)
///   re-attach:  FindOf, by where the kernel says that the process is
///   end:        RemoveAsync, when the process is gone
/// </code>
/// </summary>
public sealed class GuestCgroups
{
    private static readonly TimeSpan RemovalLimit = TimeSpan.FromSeconds(1); // libvirt's
    private static readonly TimeSpan RemovalStep = TimeSpan.FromMilliseconds(20);

    private readonly ICgroupFiles _files;
    private readonly CgroupControllers _allowed;
    private readonly bool _isSystem;
    private readonly string _daemon;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <param name="files">The kernel's.</param>
    /// <param name="isSystem">System mode. In session mode there are no groups.</param>
    /// <param name="allowed">qemu.conf's <c>cgroup_controllers</c>.</param>
    /// <param name="daemon">Sets this daemon's groups apart from those of another one on the same host; empty for the host's only daemon.</param>
    public GuestCgroups(ICgroupFiles files, bool isSystem, CgroupControllers allowed, string daemon, TimeProvider time, ILogger logger)
    {
        _files = files;
        _isSystem = isSystem;
        _allowed = isSystem ? allowed : CgroupControllers.None;
        _daemon = daemon;
        _time = time;
        _logger = logger;
    }

    /// <summary>Running guests show the partition that they are in.</summary>
    internal bool HasPartitions => _isSystem && CgroupHierarchy.IsAnyMounted(_files);

    /// <summary>What a group would have if it were made now; none when none would be made.</summary>
    internal CgroupControllers Offered => CgroupHierarchy.Find(_files, _allowed)?.Controllers ?? CgroupControllers.None;

    /// <summary>Makes the group of a guest that is about to start. One of that name that nobody uses is of an earlier run, and goes first.</summary>
    /// <param name="partition">As the definition has it.</param>
    /// <returns>null: this host has none for us, which is no failure.</returns>
    /// <exception cref="WherryException">
    /// ConfigUnsupported, SystemError: there is no such partition. OperationFailed: the group is in use. SystemError: the kernel refuses.
    /// </exception>
    internal DomainCgroup? Create(int id, string name, string partition)
    {
        if (CgroupHierarchy.Find(_files, _allowed) is not { } hierarchy)
            return null;
        var parent = hierarchy.Root + CgroupNames.OfPartition(partition, CgroupHierarchy.KernelControllers(_files));
        var controllers = hierarchy.Controllers;
        if (partition == CgroupNames.DefaultPartition)
        {
            if (!TryMake(parent))
                return null;
            controllers = Enable(hierarchy.Root, controllers);
        }
        else if (!_files.Exists(parent))
        {
            // libvirt looks into the group above first.
            var above = Path.GetDirectoryName(parent)!; // ! : the hierarchy's root at the least
            throw WherryException.FromErrno(
                CgroupErrno.Missing,
                _files.Exists(above) ? $"Failed to create v2 cgroup '{parent}/'" : $"Unable to read from '{above}/cgroup.controllers'",
                ErrorDomain.Cgroup);
        }
        else
        {
            controllers &= CgroupControllerNames.Parse(_files.TryRead(parent + "/cgroup.controllers") ?? "") | CgroupControllers.CpuAccounting;
        }

        var path = $"{parent}/{CgroupNames.OfMachine(_daemon, id, name)}";
        if (RemoveTree(path) == CgroupErrno.Busy)
            throw new WherryException(ErrorCode.OperationFailed, $"control group '{path}' of domain '{name}' is in use by another process", ErrorDomain.Cgroup);
        return TryMake(path) ? new DomainCgroup(_files, path, Enable(parent, controllers)) : null;
    }

    /// <summary>The group of a guest that an earlier daemon started.</summary>
    /// <returns>null: it has none of the kind that we make.</returns>
    internal DomainCgroup? FindOf(int pid, int id, string name)
    {
        const string unified = "0::";
        if (CgroupHierarchy.Find(_files, _allowed) is not { } hierarchy
            || (_files.TryRead($"/proc/{pid}/cgroup") ?? "").Split('\n').FirstOrDefault(line => line.StartsWith(unified, StringComparison.Ordinal)) is not { } line)
            return null;
        var placement = line[unified.Length..];
        var thread = "/" + ThreadGroup.Emulator.Name;
        if (placement.EndsWith(thread, StringComparison.Ordinal))
            placement = placement[..^thread.Length];
        if (Path.GetFileName(placement) != CgroupNames.OfMachine(_daemon, id, name))
            return null;
        var path = hierarchy.Root + placement;
        var present = CgroupControllerNames.Parse(_files.TryRead(path + "/cgroup.controllers") ?? "") | CgroupControllers.CpuAccounting;
        return new DomainCgroup(_files, path, present & hierarchy.Controllers);
    }

    /// <summary>Removes the group of a guest whose process is gone, and waits a little for what that process may have left in it.</summary>
    internal Task RemoveAsync(DomainCgroup group, string domain) => RemoveAsync(group.Path, domain);

    /// <summary>Removes the group of a guest that ended while no daemon looked, if it had one.</summary>
    internal Task RemoveLeftAsync(int id, string name, string partition) =>
        CgroupHierarchy.Find(_files, _allowed) is { } hierarchy
            ? RemoveAsync(
                $"{hierarchy.Root}{CgroupNames.OfPartition(partition, CgroupHierarchy.KernelControllers(_files))}/{CgroupNames.OfMachine(_daemon, id, name)}", name)
            : Task.CompletedTask;

    /// <summary>Removes the group of a start that an earlier daemon did not finish, which no status tells of.</summary>
    /// <param name="shortName">What the name of the run's directory has kept of the domain's.</param>
    internal async Task RemoveUnfinishedAsync(int id, string shortName)
    {
        if (CgroupHierarchy.Find(_files, _allowed) is not { } hierarchy)
            return;
        var partition = hierarchy.Root + CgroupNames.DefaultPartition;
        var name = Path.GetFileNameWithoutExtension(CgroupNames.OfMachine(_daemon, id, shortName));
        foreach (var group in _files.Directories(partition).Where(group => group.StartsWith(name, StringComparison.Ordinal)).ToList())
            await RemoveAsync($"{partition}/{group}", shortName);
    }

    private async Task RemoveAsync(string path, string domain)
    {
        // The kernel tells nobody that a group can be removed but by removing it.
        var begun = _time.GetTimestamp();
        int errno;
        while ((errno = RemoveTree(path)) == CgroupErrno.Busy && _time.GetElapsedTime(begun) < RemovalLimit)
            await Task.Delay(RemovalStep, _time);
        if (errno != 0)
            DomainLog.CgroupRemains(_logger, domain, path, errno);
    }

    /// <summary>The groups of threads, then the group. Only groups that nobody uses can be removed.</summary>
    /// <returns>0 also for one that is not there.</returns>
    private int RemoveTree(string path)
    {
        foreach (var child in _files.Directories(path))
        {
            if (_files.RemoveDirectory($"{path}/{child}") is var errno and not (0 or CgroupErrno.Missing))
                return errno;
        }
        return _files.RemoveDirectory(path) is var own and not CgroupErrno.Missing ? own : 0;
    }

    /// <returns>false: we may not. libvirt then does without groups, and so do we where the kernel's files cannot be written at all.</returns>
    private bool TryMake(string path) => _files.MakeDirectory(path) switch
    {
        0 or CgroupErrno.Exists => true,
        CgroupErrno.NotPermitted or CgroupErrno.AccessDenied or CgroupErrno.ReadOnly => false,
        var errno => throw WherryException.FromErrno(errno, $"Failed to create v2 cgroup '{path}/'", ErrorDomain.Cgroup),
    };

    /// <summary>Lets the groups in a group have these controllers.</summary>
    /// <returns>Those that they have.</returns>
    private CgroupControllers Enable(string parent, CgroupControllers wanted)
    {
        foreach (var (controller, name) in CgroupControllerNames.InKernel)
        {
            if (wanted.HasFlag(controller) && _files.Write(parent + "/cgroup.subtree_control", "+" + name) != 0)
                wanted &= ~controller;
        }
        return wanted;
    }
}
