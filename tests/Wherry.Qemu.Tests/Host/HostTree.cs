namespace Wherry.Qemu.Tests.Host;

/// <summary>A small fake /proc and /sys in a directory of its own, described by path and content.</summary>
internal sealed class HostTree : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("wherry-host-");

    public Qemu.Host.HostFiles Files => new(_root.FullName);

    public HostTree With(string path, string content)
    {
        var full = Path.Join(_root.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
        return this;
    }

    /// <summary>Adds a CPU to a cell, as sysfs shows it in both places.</summary>
    public HostTree WithCpu(int cpu, int cell, int socket, int core, string siblings)
    {
        Directory.CreateDirectory(Path.Join(_root.FullName, $"sys/devices/system/node/node{cell}/cpu{cpu}"));
        return With($"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id", $"{socket}\n")
            .With($"sys/devices/system/cpu/cpu{cpu}/topology/core_id", $"{core}\n")
            .With($"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list", $"{siblings}\n");
    }

    public void Dispose() => _root.Delete(recursive: true);
}
