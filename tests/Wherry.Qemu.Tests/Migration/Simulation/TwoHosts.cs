using System.Text;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Machines;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration.Simulation;

/// <summary>
/// Two daemons and a running guest at the first:
/// <code>
///   alpha: Migrations, OutgoingMigration, journal --InMemoryPeer--> bravo: Migrations, IncomingMigration, journal
///             |  QMP over a unix socket                                        |
///          FakeQemu  ------------------ stream, mirrors ----------------->  FakeQemu
/// </code>
/// </summary>
internal sealed class TwoHosts : IAsyncDisposable
{
    private const string Name = "web1";

    private readonly DirectoryInfo _root;
    private Domain? _guest;

    private TwoHosts(DirectoryInfo root, ProbedEmulators emulators, MigrationLimits? limits, string? address)
    {
        _root = root;
        Bravo = new SimulatedHost("bravo", root.FullName, emulators, () => Alpha!, limits, address) // ! : nobody dials before both are there
        {
            PeerReachable = Task.FromException(new PeerLostException("nothing leads from bravo to alpha")),
        };
        Alpha = new SimulatedHost("alpha", root.FullName, emulators, () => Bravo, limits);
        Bravo.Launcher.Launching = incoming => Source.MigratesTo = incoming;
    }

    public SimulatedHost Alpha { get; }

    public SimulatedHost Bravo { get; }

    /// <summary>The QEMU that the guest leaves.</summary>
    public FakeQemu Source => Alpha.Launcher.Last;

    /// <summary>The QEMU that it comes to.</summary>
    public FakeQemu Destination => Bravo.Launcher.Last;

    public Domain Guest => _guest ?? throw new InvalidOperationException("no guest yet");

    /// <param name="emulators">What the definition is completed for.</param>
    /// <param name="disks">How many the guest has.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <param name="limits">How long the machines wait.</param>
    /// <param name="address">Under which bravo says that it is found.</param>
    public static async Task<TwoHosts> StartAsync(ProbedEmulators emulators, int disks, CancellationToken ct, MigrationLimits? limits = null, string? address = null)
    {
        // In memory where there is such a place: what is tested is the order of things, and every fsync on a disk costs milliseconds.
        var parent = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        var hosts = new TwoHosts(Directory.CreateDirectory(Path.Combine(parent, $"wherry-hosts-{Guid.NewGuid():N}")), emulators, limits, address);
        hosts._guest = await hosts.Alpha.Driver.CreateAsync(hosts.Definition(disks), new StartOptions(), "test", ct);
        return hosts;
    }

    /// <summary>As Nova does it: peer-to-peer, every disk copied, kept at the destination.</summary>
    public Task MigrateAsync(CancellationToken ct, MigrationParameters? parameters = null, MigrationFlags more = MigrationFlags.None) => Alpha.Migrations.MigrateAsync(
        Guest,
        "qemu+tcp://bravo/system",
        parameters ?? MigrationParameters.Default,
        MigrationFlags.Live | MigrationFlags.PeerToPeer | MigrationFlags.PersistDestination | MigrationFlags.UndefineSource | MigrationFlags.NonSharedIncremental
            | more,
        ct);

    /// <summary>Both daemons' words, for a test that failed.</summary>
    public string Story()
    {
        var story = new StringBuilder();
        foreach (var (name, host) in new[] { ("alpha", Alpha), ("bravo", Bravo) })
        {
            foreach (var (level, id, text) in host.Log.Lines)
            {
                story.AppendLine($"{name} {level} {id} {text}");
            }
        }

        return story.AppendLine($"alpha's QEMU was asked: {string.Join(' ', Source.Received.TakeLast(40))}").ToString();
    }

    public async ValueTask DisposeAsync()
    {
        await Alpha.DisposeAsync();
        await Bravo.DisposeAsync();
        _root.Delete(recursive: true);
    }

    private string Definition(int disks)
    {
        var devices = new StringBuilder();
        for (var i = 0; i < disks; i++)
        {
            var target = $"vd{(char)('a' + i)}";
            var image = Path.Combine(_root.FullName, $"{target}.raw");
            using (var file = File.Create(image))
            {
                file.SetLength(1 << 20);
            }

            devices.Append($"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{image}'/><target dev='{target}' bus='virtio'/></disk>");
        }

        return $"""
            <domain type='qemu'>
              <name>{Name}</name>
              <memory unit='MiB'>64</memory>
              <os><type arch='x86_64' machine='pc'>hvm</type></os>
              <devices><emulator>{RealQemu.Binary}</emulator>{devices}</devices>
            </domain>
            """;
    }
}
