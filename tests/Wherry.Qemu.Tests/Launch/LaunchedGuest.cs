using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Errors;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>
/// A recorded domain started by a real QEMU with exactly the arguments of its plan, CPUs stopped. Images and sockets are moved into a
/// directory of the test and made there; ports are free ones.
/// </summary>
internal sealed class LaunchedGuest : IAsyncDisposable
{
    /// <summary>ECONNREFUSED: QEMU had ended, and its listening socket with it, before we connected.</summary>
    private const int ConnectionRefused = 111;

    private static readonly ProcessSupervisor Supervisor = new(NullLogger.Instance);

    private readonly DirectoryInfo _directory;
    private readonly PortReservation _port;

    private LaunchedGuest(DirectoryInfo directory, PortReservation port, QemuProcess process, LaunchPlan plan, MonitorSession monitor)
    {
        _directory = directory;
        _port = port;
        Process = process;
        Plan = plan;
        Monitor = monitor;
    }

    public LaunchPlan Plan { get; }

    public MonitorSession Monitor { get; }

    public QemuProcess Process { get; }

    // Without host ends, bridge and ethernet interfaces become user interfaces.
    public static async Task<LaunchedGuest> StartAsync(
        string name, string emulator, bool incoming, CancellationToken ct, HostInterfaces? interfaces = null)
    {
        var directory = Directory.CreateTempSubdirectory("wherry-launch-");
        var port = new PortAllocator("test", 27400, 27499).Acquire();
        try
        {
            var spec = (await PrepareAsync(name, directory, port.Port)) with { Emulator = emulator };
            if (interfaces is null)
                spec = spec with { Interfaces = [.. spec.Interfaces.Select(nic => nic with { Type = InterfaceType.User })] };
            var monitorPath = Path.Join(directory.FullName, "monitor.sock");
            using var listener = MonitorSocket.Listen(monitorPath);
            var plan = CommandLine.Build(spec, LaunchContexts.Fixed with
            {
                DomainDirectory = directory.FullName,
                ChannelDirectory = directory.FullName,
                MonitorFd = (int)listener.DangerousGetHandle(),
                VncPort = port.Port,
                Incoming = incoming,
                Taps = interfaces?.Descriptors ?? ImmutableDictionary<string, TapDescriptors>.Empty,
                BackingImages = DiskImages.Inspect(spec, coldBoot: true).Backing,
            });
            var log = Path.Join(directory.FullName, "qemu.log");
            var process = Supervisor.Start(new ProcessStart
            {
                Executable = plan.Emulator,
                Arguments = plan.Arguments,
                Environment = Environment(emulator),
                LogPath = log,
                InheritedFds = [listener, .. interfaces?.Handles ?? []],
            });
            listener.Dispose();
            try
            {
                var monitor = await MonitorSession.ConnectAsync(monitorPath, new MonitorOptions { Owner = name }, ct);
                return new LaunchedGuest(directory, port, process, plan, monitor);
            }
            catch (Exception e) when (e is MonitorClosedException or WherryException { Errno: ConnectionRefused })
            {
                throw new InvalidOperationException($"{emulator} does not start '{name}': {LogTail.Read(log, 0)}", e);
            }
        }
        catch
        {
            port.Dispose();
            directory.Delete(recursive: true);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Monitor.DisposeAsync();
        Process.Signal(9);
        await Process.Exited;
        _port.Dispose();
        _directory.Delete(recursive: true);
    }

    /// <summary>An emulator that was unpacked instead of installed has its modules beside it, not where it was built to look for them.</summary>
    private static ImmutableDictionary<string, string> Environment(string emulator)
    {
        var modules = Path.GetFullPath("../lib/x86_64-linux-gnu/qemu", Path.GetDirectoryName(emulator)!);
        return ImmutableDictionary<string, string>.Empty.Add("PATH", "/usr/bin:/bin").Add("QEMU_MODULE_DIR", modules);
    }

    private static async Task<DomainSpec> PrepareAsync(string name, DirectoryInfo directory, int port)
    {
        var xml = await RecordedDomains.PrepareAsync(name, directory.FullName);
        return DomainSpec.From(DomainDocument.Parse(xml
            .Replace("port='5933'", $"port='{port}'", StringComparison.Ordinal)
            .Replace("service='4555'", "service='0'", StringComparison.Ordinal)));
    }
}
