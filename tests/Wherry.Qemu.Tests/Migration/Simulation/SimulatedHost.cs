using System.Collections.Immutable;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Process;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration.Simulation;

/// <summary>
/// A daemon without its sockets: the driver, the migrations, the machines and the journal are those that are shipped. Simulated are the
/// clock, which stands still until the test moves it, QEMU, and the connection to the other daemon.
/// </summary>
/// <remarks>
/// Why the clock stands still: nothing then happens for the sole reason that half a second has passed. A wake-up that is lost stays lost,
/// and the test fails by it, instead of being half a second slower.
/// </remarks>
internal sealed class SimulatedHost : IAsyncDisposable
{
    private readonly RecordedEvents _events = new();
    private readonly TaskCompletionSource _dialled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _journal;
    private MigrationParts _parts;

    /// <param name="name">Host name; also keeps its files apart from the other host's.</param>
    /// <param name="root">A directory that the test removes.</param>
    /// <param name="emulators">What the definitions are completed for.</param>
    /// <param name="peer">The host at the other end of every connection that is made from here.</param>
    /// <param name="limits">How long the machines wait.</param>
    /// <param name="address">Under which it says that it is found; null: under its name.</param>
    public SimulatedHost(
        string name, string root, ProbedEmulators emulators, Func<SimulatedHost>? peer = null, MigrationLimits? limits = null, string? address = null)
    {
        var home = Path.Combine(root, name);
        _journal = Path.Combine(home, "handover");
        Launcher = new SimulatedLauncher(Clock);
        Driver = new QemuDriver(new QemuDriverParts
        {
            Launcher = Launcher,
            Processes = emulators.Processes,
            Termination = new ProcessTermination(new TerminationOptions(), Clock, Log),
            Files = new DomainFiles(Path.Combine(home, "config"), Path.Combine(home, "state"), Path.Combine(home, "run"), Path.Combine(home, "log")),
            Cgroups = new GuestCgroups(new KernelCgroupFiles(), isSystem: false, CgroupControllers.None, "", Clock, Log),
            Emulators = emulators.Catalog,
            Sink = _events,
            Time = Clock,
            Logger = Log,
        });
        _parts = new MigrationParts
        {
            Host = new MigrationHost
            {
                HostName = name,
                HostUuid = Guid.NewGuid(),
                BootId = $"boot of {name}",
                PeerUri = $"qemu+tcp://{name}/system",
                MigrationAddress = address,
            },
            JournalDirectory = _journal,
            Dialer = new InMemoryDialer(peer, () =>
            {
                _dialled.TrySetResult();
                return PeerReachable;
            }),
            Driver = Driver,
            Tools = new ToolRunner(emulators.Processes, Clock),
            Ports = PortAllocator.ForMigration(),
            Limits = limits ?? MigrationLimits.Default,
            Time = Clock,
            Logger = Log,
        };
        Driver.HandOvers = Migrations = new Migrations(_parts);
    }

    public ManualTimeProvider Clock { get; } = new();

    public ListLogger Log { get; } = new();

    public SimulatedLauncher Launcher { get; }

    /// <summary>The first connection has been tried.</summary>
    public Task Dialled => _dialled.Task;

    /// <summary>New connections to the other host are made when this completes.</summary>
    public Task PeerReachable { get; set; } = Task.CompletedTask;

    /// <summary>Whoever connects to it is on the same machine, and sees that.</summary>
    public bool IsOnOneMachine { get; set; }

    public Guid HostUuid => _parts.Host.HostUuid;

    public QemuDriver Driver { get; }

    public Migrations Migrations { get; private set; }

    /// <summary>What the daemon has told its clients, in order.</summary>
    public ImmutableList<DomainEvent> Events => _events.All;

    /// <summary>The hand-over records on the disk.</summary>
    public ImmutableArray<HandoverRecord> Records =>
    [
        .. Directory.EnumerateFiles(_journal, "*.json").Select(file =>
            System.Text.Json.JsonSerializer.Deserialize(File.ReadAllBytes(file), HandoverRecordJson.Default.HandoverRecord)!), // ! : no record is "null"
    ];

    /// <summary>Waits until no operation holds the domain any more: the migration has written its last word.</summary>
    public static async Task LetGoOfAsync(Domain domain, CancellationToken ct)
    {
        using var lease = await domain.Jobs.BeginAsync(AsyncJobKind.Start, "test", ct).Within();
    }

    /// <summary>The daemon ends in the middle of whatever it does, and its successor goes on with what the journal tells.</summary>
    /// <param name="ct">Ends the wait.</param>
    /// <param name="meanwhile">What happens while there is no daemon.</param>
    /// <param name="reboot">The host was off in between.</param>
    public async Task RestartAsync(CancellationToken ct, Func<Task>? meanwhile = null, bool reboot = false)
    {
        await Migrations.DisposeAsync();
        if (meanwhile is not null)
            await meanwhile();
        if (reboot)
            _parts = _parts with { Host = _parts.Host with { BootId = Guid.NewGuid().ToString() } };
        Driver.HandOvers = Migrations = new Migrations(_parts);
        await Migrations.RecoverAsync(ct);
    }

    public async ValueTask DisposeAsync()
    {
        await Migrations.DisposeAsync();
        await Launcher.DisposeAsync();
    }

    private sealed class RecordedEvents : IDomainEventSink
    {
        private ImmutableList<DomainEvent> _all = [];

        public ImmutableList<DomainEvent> All => _all;

        public void Publish(DomainIdentity domain, DomainEvent happened) => ImmutableInterlocked.Update(ref _all, list => list.Add(happened));
    }
}
