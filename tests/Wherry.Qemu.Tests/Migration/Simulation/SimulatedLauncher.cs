using Wherry.Qemu.Domains;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Testing;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Migration.Simulation;

/// <summary>Brings up simulated QEMUs, with the drives of the definition.</summary>
internal sealed class SimulatedLauncher(TimeProvider time) : IDomainLauncher, IAsyncDisposable
{
    private readonly List<FakeQemu> _launched = [];
    private readonly List<QemuInstance> _instances = [];

    /// <summary>Told of each QEMU before anybody talks to it.</summary>
    public Action<FakeQemu>? Launching { get; set; }

    public FakeQemu Last => _launched[^1];

    public async Task<LaunchedQemu> LaunchAsync(LaunchTarget target, LaunchRequest request, Action<IQemuProcess> spawned, CancellationToken ct)
    {
        var live = new DomainDefinition(new LiveOverlay { Id = target.Id }.Apply(target.Definition.Document));
        var qemu = new FakeQemu(request.Incoming);
        _launched.Add(qemu);
        foreach (var (index, disk) in live.Spec.Disks.Index())
        {
            qemu.AddDrive($"/machine/peripheral/{disk.Alias}/virtio-backend", $"libvirt-{index + 1}-format", qemu.DiskBytes);
        }

        Launching?.Invoke(qemu);
        spawned(qemu.Process);
        var monitor = await MonitorSession.ConnectAsync(qemu.MonitorPath, new MonitorOptions { Owner = target.Name, TimeProvider = time }, ct);
        var instance = new QemuInstance(qemu.Process, monitor, qemu.MonitorPath, []);
        _instances.Add(instance);
        return new LaunchedQemu(instance, live);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var qemu in _launched)
        {
            qemu.Process.Signal(9);
            await qemu.DisposeAsync();
        }

        // The driver cleans up after each, in directories that the test removes next.
        foreach (var instance in _instances)
            await instance.Watching.Within();
    }
}
