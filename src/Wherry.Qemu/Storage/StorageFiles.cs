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
    private readonly AutostartLinks _autostart;

    public StorageFiles(string config, string runtime)
    {
        Definitions = new StateDirectory(Path.Combine(config, "storage"), ".xml");
        Active = new StateDirectory(Path.Combine(runtime, "storage"), ".xml");
        _autostart = new AutostartLinks(
            Directory.CreateDirectory(
                Path.Combine(config, "storage", "autostart"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName,
            Definitions);
    }

    public StateDirectory Definitions { get; }

    public StateDirectory Active { get; }

    public bool IsAutostart(string name) => _autostart.Contains(name);

    /// <inheritdoc cref="AutostartLinks.Set"/>
    public void SetAutostart(string name, bool autostart) => _autostart.Set(name, autostart);
}
