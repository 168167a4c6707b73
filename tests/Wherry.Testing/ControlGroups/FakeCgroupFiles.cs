using System.Globalization;
using Wherry.Errors;
using Wherry.Qemu.ControlGroups;

namespace Wherry.Testing.ControlGroups;

/// <summary>
/// The kernel's control groups, in memory: its rules as far as a guest's groups meet them, and a record of what was done in which order. What
/// Linux 6.1 does was looked at on a real one.
/// </summary>
public sealed class FakeCgroupFiles : ICgroupFiles
{
    public const string Root = "/sys/fs/cgroup";

    private const int Missing = 2, Busy = 16, AlreadyExists = 17, Invalid = 22, OutOfRange = 34, NotSupported = 95;
    private static readonly string[] Threaded = ["cpu", "cpuset"];

    private readonly Dictionary<string, Group> _groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);
    private readonly Dictionary<int, string> _placement = [];
    private readonly List<string> _done = [];

    /// <param name="controllers">Of the unified hierarchy, as the kernel lists them.</param>
    public FakeCgroupFiles(string controllers = "cpuset cpu io memory hugetlb pids")
    {
        _files["/proc/mounts"] = $"proc /proc proc rw 0 0\ncgroup2 {Root} cgroup2 rw,relatime 0 0\n";
        _files["/proc/cgroups"] = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t1\t1\ncpu\t0\t1\t1\nmemory\t0\t1\t1\n";
        _files["/sys/devices/system/node/has_memory"] = "0-1\n";
        _groups[Root] = new Group([.. controllers.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
    }

    /// <summary>What was written, made and removed, without <see cref="Root"/>: <c>machine/x.libvirt-qemu/cpu.weight = 100</c>, <c>mkdir machine</c>.</summary>
    public IReadOnlyList<string> Done => _done;

    /// <summary>The errno of the next attempt to make a group; 0: none.</summary>
    public int RefuseGroups { get; set; }

    /// <summary>Controllers that no group lets its groups have.</summary>
    public HashSet<string> Unavailable { get; } = new(StringComparer.Ordinal);

    /// <summary>A file outside of the hierarchy; null takes it away.</summary>
    public string? this[string path]
    {
        get => _files.GetValueOrDefault(path);
        set
        {
            if (value is null)
                _files.Remove(path);
            else
                _files[path] = value;
        }
    }

    public IEnumerable<string> Groups => _groups.Keys.Where(path => path != Root).Select(path => path[(Root.Length + 1)..]).Order(StringComparer.Ordinal);

    /// <summary>The process or thread is gone.</summary>
    public void End(int thread) => _placement.Remove(thread);

    /// <summary>The group of a process or thread, without <see cref="Root"/>.</summary>
    public string? PlaceOf(int thread) => _placement.GetValueOrDefault(thread)?[(Root.Length + 1)..];

    public bool Exists(string path) => _groups.ContainsKey(path) || TryRead(path) is not null;

    public string? TryRead(string path)
    {
        if (path.StartsWith("/proc/", StringComparison.Ordinal) && path.EndsWith("/cgroup", StringComparison.Ordinal)
            && int.TryParse(path.Split('/')[2], NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            return _placement.TryGetValue(pid, out var place) ? $"1:name=systemd:/\n0::{place[Root.Length..]}\n" : null;
        if (_files.TryGetValue(path, out var text))
            return text;
        return GroupOf(path, out var file) is { } group && group.Files.TryGetValue(file, out var value) && group.Has(file) ? value() + "\n" : null;
    }

    public int Write(string path, string value)
    {
        if (GroupOf(path, out var file) is not { } group || !group.Has(file) || !group.Files.ContainsKey(file))
            return Missing;
        var directory = Path.GetDirectoryName(path)!;
        var errno = file switch
        {
            "cgroup.procs" => Place(int.Parse(value, CultureInfo.InvariantCulture), directory),
            "cgroup.threads" => MoveThread(int.Parse(value, CultureInfo.InvariantCulture), directory),
            "cgroup.type" => SetThreaded(group, directory),
            "cgroup.subtree_control" => Enable(group, directory, value[1..]),
            _ => group.Set(file, value),
        };
        if (errno == 0)
            _done.Add($"{path[(Root.Length + 1)..]} = {value}");
        return errno;
    }

    public int MakeDirectory(string path)
    {
        if (RefuseGroups != 0)
            return RefuseGroups;
        if (_groups.ContainsKey(path))
            return AlreadyExists;
        if (!_groups.TryGetValue(Path.GetDirectoryName(path)!, out var parent))
            return Missing;
        _groups[path] = new Group(parent.Subtree);
        _done.Add("mkdir " + path[(Root.Length + 1)..]);
        return 0;
    }

    public int RemoveDirectory(string path)
    {
        if (!_groups.ContainsKey(path))
            return Missing;
        if (Directories(path).Count > 0 || _placement.ContainsValue(path))
            return Busy;
        _groups.Remove(path);
        _done.Add("rmdir " + path[(Root.Length + 1)..]);
        return 0;
    }

    public IReadOnlyList<string> Directories(string path) =>
        [.. _groups.Keys.Where(other => Path.GetDirectoryName(other) == path).Select(other => Path.GetFileName(other)).Order(StringComparer.Ordinal)];

    public (uint Major, uint Minor) BlockDevice(string path) => path == "/dev/sda"
        ? (8u, 0u)
        : throw WherryException.FromErrno(Missing, $"Path '{path}' is not accessible", ErrorDomain.Cgroup);

    private Group? GroupOf(string path, out string file)
    {
        file = Path.GetFileName(path);
        return _groups.GetValueOrDefault(Path.GetDirectoryName(path) ?? "");
    }

    private int Place(int pid, string path)
    {
        if (_groups[path].Subtree.Except(Threaded).Any())
            return Busy; // no processes beside groups with controllers of their own
        _placement[pid] = path;
        return 0;
    }

    private int MoveThread(int thread, string path)
    {
        if (!_groups[path].IsThreaded)
            return NotSupported;
        // Threads move within their process's domain; that of a thread nobody has told of is the group above.
        if (_placement.TryGetValue(thread, out var now) && now != Path.GetDirectoryName(path) && Path.GetDirectoryName(now) != Path.GetDirectoryName(path))
            return NotSupported;
        _placement[thread] = path;
        return 0;
    }

    private int SetThreaded(Group group, string path)
    {
        if (_groups[Path.GetDirectoryName(path)!].Subtree.Except(Threaded).Any())
            return NotSupported;
        group.IsThreaded = true;
        return 0;
    }

    private int Enable(Group group, string path, string controller)
    {
        if (!group.Controllers.Contains(controller) || Unavailable.Contains(controller))
            return Missing;
        if (!Threaded.Contains(controller) && (_placement.ContainsValue(path) || Directories(path).Any(child => _groups[$"{path}/{child}"].IsThreaded)))
            return Busy;
        group.Subtree.Add(controller);
        return 0;
    }

    private sealed class Group
    {
        private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal)
        {
            ["cpu.weight"] = "100",
            ["cpu.max"] = "max 100000",
            ["cpuset.cpus"] = "",
            ["cpuset.mems"] = "",
            ["memory.max"] = "max",
            ["memory.high"] = "max",
            ["memory.swap.max"] = "max",
            ["io.weight"] = "default 100",
            ["io.max"] = "",
        };

        public Group(HashSet<string> controllers)
        {
            Controllers = controllers;
            Files = _values.Keys.ToDictionary(file => file, file => (Func<string>)(() => _values[file]), StringComparer.Ordinal);
            Files["cgroup.controllers"] = () => string.Join(' ', Controllers);
            Files["cgroup.subtree_control"] = () => string.Join(' ', Subtree);
            Files["cgroup.type"] = () => IsThreaded ? "threaded" : "domain";
            Files["cgroup.procs"] = Files["cgroup.threads"] = () => "";
        }

        public HashSet<string> Controllers { get; }

        public HashSet<string> Subtree { get; } = new(StringComparer.Ordinal);

        public bool IsThreaded { get; set; }

        public Dictionary<string, Func<string>> Files { get; }

        public bool Has(string file) => file.StartsWith("cgroup.", StringComparison.Ordinal) || Controllers.Contains(file.Split('.')[0]);

        public int Set(string file, string value)
        {
            switch (file)
            {
                case "cpu.weight" when ulong.Parse(value, CultureInfo.InvariantCulture) is < 1 or > 10_000:
                    return OutOfRange;
                case "cpu.max":
                    var (given, old) = (value.Split(' '), _values[file].Split(' '));
                    string[] both = [given[0], given.Length > 1 ? given[1] : old[1]];
                    if (both[0] != "max" && ulong.Parse(both[0], CultureInfo.InvariantCulture) < 1_000)
                        return Invalid;
                    _values[file] = string.Join(' ', both);
                    return 0;
                default:
                    _values[file] = value;
                    return 0;
            }
        }
    }
}
