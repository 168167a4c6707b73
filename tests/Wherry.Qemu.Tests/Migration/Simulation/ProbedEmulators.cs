using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Host;
using Wherry.Qemu.Process;
using Wherry.Qmp.Capabilities;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration.Simulation;

/// <summary>The host's QEMU as definitions are completed for it; it is started once, to be probed, and for no guest.</summary>
public sealed class ProbedEmulators : IAsyncLifetime
{
    private static readonly HostFiles Host = new();

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("wherry-probe-");

    public ProbedEmulators() => Catalog = new EmulatorCatalog(new EmulatorProbe(
        Processes,
        new CapabilitiesCache(_directory.FullName, NullLogger.Instance),
        new ProcessTermination(new TerminationOptions(), TimeProvider.System, NullLogger.Instance),
        Host,
        NullLogger.Instance), Host);

    public ProcessSupervisor Processes { get; } = new(NullLogger.Instance);

    public EmulatorCatalog Catalog { get; }

    public async ValueTask InitializeAsync() => await Catalog.GetAsync(RealQemu.Binary, CancellationToken.None).Within();

    public ValueTask DisposeAsync()
    {
        Processes.Dispose();
        _directory.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
