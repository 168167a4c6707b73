using Wherry.Qemu.State;

namespace Wherry.Qemu.Domains;

/// <summary>
/// Where the driver keeps what belongs to domains.
/// <code>
///   config/qemu/NAME.xml              definition            survives a reboot
///   config/qemu/autostart/NAME.xml    link to it            "start with the host"
///   state/qemu/domain-ID-NAME/        QEMU's home, VNC socket, guest channels
///   runtime/qemu/NAME.json            live status           a reboot may take it
///   runtime/qemu/ID-NAME.monitor      QMP socket
///   log/qemu/NAME.log                 QEMU's stderr, appended
/// </code>
/// </summary>
public sealed class DomainFiles
{
    /// <summary>libvirt shortens names in socket paths to this many characters: sun_path has room for 107 bytes.</summary>
    private const int ShortNameLength = 20;

    private readonly string _stateDirectory;
    private readonly string _runtimeDirectory;
    private readonly string _logDirectory;
    private readonly string _autostartDirectory;

    public DomainFiles(string config, string state, string runtime, string log)
    {
        Definitions = new StateDirectory(Path.Combine(config, "qemu"), ".xml");
        Status = new StateDirectory(Path.Combine(runtime, "qemu"), ".json");
        _autostartDirectory = MakePrivate(Path.Combine(config, "qemu", "autostart"));
        _stateDirectory = MakePrivate(Path.Combine(state, "qemu"));
        _runtimeDirectory = MakePrivate(Path.Combine(runtime, "qemu"));
        _logDirectory = MakePrivate(Path.Combine(log, "qemu"));
    }

    public StateDirectory Definitions { get; }

    public StateDirectory Status { get; }

    public string LogOf(string name) => Path.Combine(_logDirectory, name + ".log");

    public string MonitorOf(int id, string name) => Path.Combine(_runtimeDirectory, $"{id}-{Short(name)}.monitor");

    public IEnumerable<string> Monitors() => Directory.EnumerateFiles(_runtimeDirectory, "*.monitor");

    public string DirectoryOf(int id, string name) => Path.Combine(_stateDirectory, $"domain-{id}-{Short(name)}");

    public string ChannelDirectoryOf(int id, string name) => Path.Combine(_stateDirectory, "channel", "target", $"domain-{id}-{Short(name)}");

    public bool IsAutostart(string name) => File.Exists(AutostartLink(name));

    /// <summary>Makes or removes the link; both are durable when it returns.</summary>
    public void SetAutostart(string name, bool autostart)
    {
        var link = AutostartLink(name);
        if (!autostart)
        {
            DurableFile.Delete(link);
            return;
        }
        File.Delete(link);
        File.CreateSymbolicLink(link, Definitions.PathOf(name));
        DurableFile.FlushDirectory(_autostartDirectory);
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

    private static void RemoveTree(string path)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
    }

    private static string MakePrivate(string path) =>
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;

    private static string Short(string name) => name.Length <= ShortNameLength ? name : name[..ShortNameLength];

    private string AutostartLink(string name) => Path.Combine(_autostartDirectory, name + ".xml");
}
