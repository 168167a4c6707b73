using Wherry.Qemu.State;

namespace Wherry.Qemu.Storage;

/// <summary>
/// Where the storage driver keeps what belongs to pools.
/// <code>
///   config/storage/NAME.xml             definition                          survives a reboot
///   config/storage/autostart/NAME.xml   link to it                          "start with the daemon"
///   runtime/storage/NAME.xml            what an active pool was started as  a reboot takes it
/// </code>
/// </summary>
public sealed class StorageFiles
{
    private readonly string _autostartDirectory;

    public StorageFiles(string config, string runtime)
    {
        Definitions = new StateDirectory(Path.Combine(config, "storage"), ".xml");
        Active = new StateDirectory(Path.Combine(runtime, "storage"), ".xml");
        _autostartDirectory = Directory.CreateDirectory(
            Path.Combine(config, "storage", "autostart"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
    }

    public StateDirectory Definitions { get; }

    public StateDirectory Active { get; }

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

    private string AutostartLink(string name) => Path.Combine(_autostartDirectory, name + ".xml");
}
