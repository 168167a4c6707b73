using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Qemu.Process;
using Wherry.Qmp;

namespace Wherry.Testing;

/// <summary>A real QEMU with a connected monitor, for the time of one test. TCG only; killed and awaited at the end.</summary>
public sealed class RealQemu : IAsyncDisposable
{
    private static readonly ProcessSupervisor Supervisor = new(NullLogger.Instance);

    private readonly DirectoryInfo _directory;

    private RealQemu(QemuProcess process, MonitorSession monitor, DirectoryInfo directory)
    {
        Process = process;
        Monitor = monitor;
        _directory = directory;
    }

    /// <summary>The QEMU of the distribution; WHERRY_QEMU names another.</summary>
    public static string Binary => Environment.GetEnvironmentVariable("WHERRY_QEMU") ?? "/usr/bin/qemu-system-x86_64";

    /// <summary>A second, newer QEMU, or null: WHERRY_QEMU_ALT.</summary>
    public static string? AlternativeBinary => Environment.GetEnvironmentVariable("WHERRY_QEMU_ALT");

    public QemuProcess Process { get; }

    public MonitorSession Monitor { get; }

    public string Directory => _directory.FullName;

    public string MonitorPath => Path.Combine(Directory, "monitor.sock");

    public string LogPath => Path.Combine(Directory, "qemu.log");

    /// <summary>Starts it with <c>-machine none</c> unless <paramref name="arguments"/> say more. Paths in them may use {0} for the test's directory.</summary>
    public static async Task<RealQemu> StartAsync(CancellationToken ct, string? binary = null, params string[] arguments)
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("wherry-qemu-");
        var (process, monitorPath) = Launch(directory, binary ?? Binary, arguments);
        var monitor = await MonitorSession.ConnectAsync(monitorPath, new MonitorOptions { Owner = $"test QEMU {process.Pid}" }, ct);
        return new RealQemu(process, monitor, directory);
    }

    public async ValueTask DisposeAsync()
    {
        await Monitor.DisposeAsync();
        Process.Signal(9);
        await Process.Exited;
        _directory.Delete(recursive: true);
    }

    private static (QemuProcess Process, string MonitorPath) Launch(DirectoryInfo directory, string binary, string[] arguments)
    {
        var monitorPath = Path.Combine(directory.FullName, "monitor.sock");
        using var listener = MonitorSocket.Listen(monitorPath);
        string[] machine = arguments.Contains("-machine") ? [] : ["-machine", "none"];
        var process = Supervisor.Start(new ProcessStart
        {
            Executable = binary,
            Arguments =
            [
                "-S", "-no-user-config", "-nodefaults", "-display", "none", "-accel", "tcg", .. machine,
                "-chardev", $"socket,id=charmonitor,fd={listener.DangerousGetHandle()},server=on,wait=off", "-mon", "chardev=charmonitor,mode=control",
                .. arguments.Select(a => a.Replace("{0}", directory.FullName, StringComparison.Ordinal)),
            ],
            LogPath = Path.Combine(directory.FullName, "qemu.log"),
            InheritedFds = [listener],
        });
        return (process, monitorPath);
    }
}
