using System.Globalization;
using Wherry.Qemu.State;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

/// <summary>
/// Where the driver keeps what belongs to domains.
/// <code>
///   config/qemu/NAME.xml              definition            survives a reboot
///   config/qemu/autostart/NAME.xml    link to it            "start with the host"
///   state/qemu/domain-ID-NAME/        QEMU's home, VNC socket, guest channels
///   runtime/qemu/NAME.json            live status           a reboot may take it
///   runtime/qemu/ID-NAME.monitor      QMP socket
///   runtime/qemu/autostarted          autostart has been done since the host booted
///   state/qemu/nvram/NAME_VARS.fd     UEFI variables
///   log/qemu/NAME.log                 QEMU's stderr, appended
/// </code>
/// </summary>
public sealed class DomainFiles
{
    /// <summary>libvirt shortens names in socket paths to this many characters: sun_path has room for 107 bytes.</summary>
    private const int ShortNameLength = 20;

    private readonly string _stateDirectory;
    private readonly string _automaticDumpDirectory;
    private readonly string _runtimeDirectory;
    private readonly string _logDirectory;
    private readonly string _nvramDirectory;
    private readonly AutostartLinks _autostart;

    /// <param name="automaticDumps">Where the memory of crashed guests goes; null: below <paramref name="state"/>.</param>
    public DomainFiles(string config, string state, string runtime, string log, string? automaticDumps = null)
    {
        Definitions = new StateDirectory(Path.Combine(config, "qemu"), ".xml");
        Status = new StateDirectory(Path.Combine(runtime, "qemu"), ".json");
        _autostart = new AutostartLinks(MakePrivate(Path.Combine(config, "qemu", "autostart")), Definitions);
        _stateDirectory = MakePrivate(Path.Combine(state, "qemu"));
        _runtimeDirectory = MakePrivate(Path.Combine(runtime, "qemu"));
        _logDirectory = MakePrivate(Path.Combine(log, "qemu"));
        _nvramDirectory = MakePrivate(Path.Combine(_stateDirectory, "nvram"));
        _automaticDumpDirectory = automaticDumps ?? Path.Combine(_stateDirectory, "dump");
    }

    public StateDirectory Definitions { get; }

    public StateDirectory Status { get; }

    public string LogOf(string name) => Path.Combine(_logDirectory, name + ".log");

    public string MonitorOf(int id, string name) => Path.Combine(_runtimeDirectory, $"{id}-{Short(name)}.monitor");

    public string AutomaticDumpOf(int id, string name, DateTimeOffset now) => Path.Combine(
        _automaticDumpDirectory, $"{id}-{Short(name)}-{now.ToString("yyyy-MM-dd-HH:mm:ss", CultureInfo.InvariantCulture)}");

    /// <summary>The UEFI variables of a guest whose definition does not say where they are.</summary>
    public string NvramOf(string name) => Path.Combine(_nvramDirectory, NvramSpec.FileName(name));

    /// <summary>Where the memory of a tunnelled migration passes between QEMU and the daemon, on either side.</summary>
    internal string TunnelOf(Guid handover) => Path.Combine(_runtimeDirectory, $"{handover.ToString("N")[..16]}.tunnel");

    public IEnumerable<string> Monitors() => Directory.EnumerateFiles(_runtimeDirectory, "*.monitor");

    /// <summary>Number and shortened name of the domain whose monitor this is.</summary>
    internal static (int Id, string ShortName) OwnerOfMonitor(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        return (int.TryParse(name.AsSpan(0, Math.Max(dash, 0)), CultureInfo.InvariantCulture, out var id) ? id : 0, name[(dash + 1)..]);
    }

    public string DirectoryOf(int id, string name) => Path.Combine(_stateDirectory, $"domain-{id}-{Short(name)}");

    public string ChannelDirectoryOf(int id, string name) => Path.Combine(_stateDirectory, "channel", "target", $"domain-{id}-{Short(name)}");

    public bool IsAutostart(string name) => _autostart.Contains(name);

    /// <inheritdoc cref="AutostartLinks.Set"/>
    public void SetAutostart(string name, bool autostart) => _autostart.Set(name, autostart);

    /// <summary>True once per boot of the host: the runtime directory, and the mark in it, do not survive one.</summary>
    public bool TryMarkAutostarted()
    {
        try
        {
            using var mark = new FileStream(Path.Combine(_runtimeDirectory, "autostarted"), FileMode.CreateNew);
            return true;
        }
        catch (IOException) when (File.Exists(Path.Combine(_runtimeDirectory, "autostarted")))
        {
            return false;
        }
    }

    public void CreateRunDirectories(int id, string name)
    {
        MakePrivate(DirectoryOf(id, name));
        MakePrivate(ChannelDirectoryOf(id, name));
    }

    /// <summary>Removes everything that belongs to one run. Not flushed: what a crash brings back is found dead and removed again.</summary>
    public void RemoveRun(int id, string name)
    {
        File.Delete(Status.PathOf(name));
        File.Delete(MonitorOf(id, name));
        RemoveTree(DirectoryOf(id, name));
        RemoveTree(ChannelDirectoryOf(id, name));
    }

    /// <summary>Removes the directories of runs that were cut short before their first status, and of those that a reboot of the host has ended.</summary>
    /// <param name="known">Runs that have a status. One whose monitor is still there is kept as well.</param>
    /// <returns>What was removed.</returns>
    public IReadOnlyList<string> RemoveAbandonedRuns(IEnumerable<(int Id, string Name)> known)
    {
        var kept = known.Select(run => Path.GetFileName(DirectoryOf(run.Id, run.Name)))
            .Concat(Monitors().Select(path => $"domain-{Path.GetFileNameWithoutExtension(path)}"))
            .ToHashSet(StringComparer.Ordinal);
        List<string> removed = [];
        foreach (var place in new[] { _stateDirectory, Path.Combine(_stateDirectory, "channel", "target") }.Where(Directory.Exists))
            removed.AddRange(Directory.EnumerateDirectories(place, "domain-*").Where(run => !kept.Contains(Path.GetFileName(run))));
        removed.ForEach(RemoveTree);
        return removed;
    }

    private static void RemoveTree(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    private static string MakePrivate(string path) =>
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;

    /// <summary>The form of a name in file names that have a length limit.</summary>
    internal static string Short(string name) => name.Length <= ShortNameLength ? name : name[..ShortNameLength];
}
