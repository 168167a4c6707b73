using System.Diagnostics;
using Wherry.Errors;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;
using Wherry.Testbed.Judges;

namespace Wherry.Testbed;

/// <summary>
/// A guest aboard a <see cref="HostPair"/>: it is started at alpha, moved by virsh as often as the test likes, and judged after each move
/// by what it said itself and by what its disks hold, never by what a daemon claims. docs/faults.md lists the judges.
/// </summary>
public sealed class Passage : IAsyncDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    // What a caller of a migration does not wait for: the destination forgets its record, a daemon that was told late ends its half.
    private static readonly TimeSpan CleanWithin = TimeSpan.FromSeconds(5);

    private readonly HostPair _pair;
    private readonly SerialListener _serial;
    private readonly PassageOptions _options;
    private Bystander? _bystander;
    private string _settings = "";

    private Passage(HostPair pair, SerialListener serial, TestDomain domain, PassageOptions options)
    {
        _pair = pair;
        _serial = serial;
        _options = options;
        Domain = domain;
    }

    public TestDomain Domain { get; }

    public GuestTimeline Timeline => _serial.Timeline;

    /// <summary>Makes the disks, starts the guest at alpha, and returns when it beats and, if it writes, has flushed to every disk.</summary>
    public static async Task<Passage> BoardAsync(HostPair pair, PassageOptions options, CancellationToken ct = default)
    {
        var serial = new SerialListener(pair.Run.File(options.Name));
        var passage = new Passage(pair, serial, await DomainAsync(pair, serial, options), options);
        try
        {
            await passage.StartAsync(ct);
            return passage;
        }
        catch
        {
            await passage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Moves the guest by <see cref="MoveCommandAsync"/>; does not judge.</summary>
    public async Task<CommandResult> MoveAsync(
        DaemonRunner from, DaemonRunner to, IEnumerable<string> flags, Action<string>? onOutput = null, string? via = null, CancellationToken ct = default) =>
        await Command.RunAsync(from.Host.Enter(await MoveCommandAsync(from, to, flags, via)), Limit, onOutput, ct: ct);

    /// <summary>
    /// `virsh migrate --live` with these further flags, such as "--p2p", to be run on the source host and over TCP: without --p2p virsh
    /// connects to both daemons and drives the migration itself.
    /// </summary>
    /// <param name="from">Where the guest is.</param>
    /// <param name="to">Where it shall go.</param>
    /// <param name="flags">More flags.</param>
    /// <param name="via">The URI by which the destination is reached, such as a proxy's; null for its own.</param>
    public async Task<string[]> MoveCommandAsync(DaemonRunner from, DaemonRunner to, IEnumerable<string> flags, string? via = null)
    {
        string[] storage = _options.Disks == 0 ? [] : _options.SharedStorage ? ["--unsafe"]
            : _options.Overlays ? ["--copy-storage-inc"] : ["--copy-storage-all"];
        return ["virsh", "-q", "-c", from.PeerUri, "migrate", "--live", .. storage, .. flags, Domain.Name, via ?? to.PeerUri, .. await PlaceAsync(from, to)];
    }

    /// <summary>
    /// Everything that is wrong, as sentences, with the guest expected to run at <paramref name="home"/> and nowhere else. Pauses the guest
    /// while its disks are read.
    /// </summary>
    public async Task<IReadOnlyList<string>> JudgeAsync(DaemonRunner home, CancellationToken ct = default)
    {
        var problems = new List<string>();
        var away = home == _pair.Alpha ? _pair.Bravo : _pair.Alpha;
        if (await StateAsync(home) is not "running" and var state)
            problems.Add($"on {home.Host.Name} the guest is {state ?? "absent"}, not running");
        if (await StateAsync(away) is not (null or "shut off") and var other)
            problems.Add($"on {away.Host.Name} the guest is still there, {other}");
        try
        {
            await Timeline.WaitForBeatAsync(TimeSpan.FromSeconds(5), ct);
        }
        catch (TimeoutException e)
        {
            problems.Add(e.Message);
        }

        problems.AddRange(await LeftoversAsync(home, ct));
        problems.AddRange(Timeline.Violations);
        problems.AddRange(_bystander?.Judge() ?? []);
        if (problems.Count == 0 && _options.Load.WriteKiBps > 0)
            problems.AddRange((await CheckDisksAsync(home, ct)).SelectMany(report => report.Problems.Select(problem => $"vd{report.Disk}: {problem}")));
        return problems;
    }

    /// <summary>
    /// J7, again: the guest can be migrated away from <paramref name="home"/> and back as if nothing had happened. What is wrong, as sentences.
    /// </summary>
    public async Task<IReadOnlyList<string>> AgainAsync(DaemonRunner home, params string[] flags)
    {
        var away = home == _pair.Alpha ? _pair.Bravo : _pair.Alpha;
        foreach (var (from, to) in new[] { (home, away), (away, home) })
        {
            if (await MoveAsync(from, to, flags.Length == 0 ? ["--p2p"] : flags) is { Succeeded: false } failed)
                return [$"{failed}"];
            if (await JudgeAsync(to) is { Count: > 0 } problems)
                return problems;
        }

        return [];
    }

    /// <summary>Pauses the guest, reads its disks at <paramref name="home"/>, and lets it run on.</summary>
    public async Task<IReadOnlyList<DiskReport>> CheckDisksAsync(DaemonRunner home, CancellationToken ct = default)
    {
        await home.Virsh.AskAsync("suspend", Domain.Name);
        var reports = new List<DiskReport>();
        for (var disk = 0; disk < _options.Disks; disk++)
        {
            var report = await CheckDiskAsync(home.Host, disk, ct);
            if (!report.Intact && !_options.SharedStorage)
            {
                // A block that the copy lost is still in the image that was left behind; one that the guest lost is in neither (QEMU's TCG, before 9.0, loses stores).
                var away = home == _pair.Alpha ? _pair.Bravo.Host : _pair.Alpha.Host;
                report = report with { Problems = [.. report.Problems, $"and the image on {away.Name} is {await CheckDiskAsync(away, disk, ct)}"] };
            }

            reports.Add(report);
        }

        await home.Virsh.AskAsync("resume", Domain.Name);
        return reports;
    }

    private Task<DiskReport> CheckDiskAsync(TestHost host, int disk, CancellationToken ct)
    {
        var letter = (char)('a' + disk);
        return DiskVerifier.CheckAsync(Path.Combine(Directory(host, _options, outside: true), ImageName(disk)), _options.Format, letter, Timeline.Flushed(letter), ct);
    }

    /// <summary>The guest's state in virsh's words, or null when the daemon does not know it.</summary>
    public async Task<string?> StateAsync(DaemonRunner daemon) =>
        await daemon.Virsh.RunAsync("domstate", Domain.Name) is { Succeeded: true } state ? state.Output.Trim() : null;

    /// <summary>Types a command on the console of the QEMU that spoke last: "poweroff", "reboot" or "panic".</summary>
    public void Type(string command) => _serial.Type(command);

    public ValueTask DisposeAsync()
    {
        _bystander?.Dispose();
        return _serial.DisposeAsync();
    }

    /// <summary>J5; looked for until there is nothing, and no more often than the guest's heart beats.</summary>
    private async Task<IReadOnlyList<string>> LeftoversAsync(DaemonRunner home, CancellationToken ct)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            IReadOnlyList<string> found;
            try
            {
                found = Leftovers.Find(_pair, Domain, home, _settings);
            }
            catch (Exception e) when (e is WherryException or IOException or System.Net.Sockets.SocketException)
            {
                found = [e.Message];
            }

            if (found.Count == 0 || Stopwatch.GetElapsedTime(began) > CleanWithin)
                return found;
            try
            {
                await Timeline.WaitForBeatAsync(TimeSpan.FromSeconds(1), ct);
            }
            catch (TimeoutException)
            {
                return [.. found, "the guest stands still"];
            }
        }
    }

    private async Task StartAsync(CancellationToken ct)
    {
        for (var disk = 0; disk < _options.Disks; disk++)
        {
            foreach (var host in new[] { _pair.Alpha.Host, _pair.Bravo.Host })
            {
                _pair.Run.CreateDirectory(Directory(host, _options, outside: true));
                await CreateImageAsync(host, disk);
            }
        }

        if (_options.Bystander)
            _bystander = await Bystander.StartAsync(_pair.Alpha);
        await _pair.Alpha.Virsh.RunWithXmlAsync("create", Domain.Xml).Checked();
        _settings = Leftovers.Settings(_pair.Alpha, Domain.Name);
        await Timeline.WaitAsync("the guest's first heartbeat", t => t.LastCount > 0, Limit, ct);
        for (var disk = 0; disk < _options.Disks && _options.Load.WriteKiBps > 0; disk++)
        {
            var letter = (char)('a' + disk);
            await Timeline.WaitAsync($"the first flush of vd{letter}", t => t.Flushed(letter) > 0, Limit, ct);
        }
    }

    private async Task CreateImageAsync(TestHost host, int disk)
    {
        var image = new TestDisk(Path.Combine(Directory(host, _options, outside: true), ImageName(disk)), _options.Format, _options.DiskMiB);
        if (!_options.Overlays)
        {
            await image.CreateAsync();
            return;
        }

        var below = new TestDisk($"{image.Path}.base", "raw", _options.DiskMiB);
        await below.CreateAsync();
        await image.CreateOverAsync(below with { Path = Path.GetFileName(below.Path) });
    }

    // Two hosts that are not isolated share this machine's files: the guest's disks lie elsewhere at the destination, and RAM goes over loopback.
    private async Task<string[]> PlaceAsync(DaemonRunner from, DaemonRunner to)
    {
        if (to.Host.IsIsolated)
            return [];
        var xml = await from.Virsh.AskAsync("dumpxml", "--migratable", Domain.Name);
        var file = _pair.Run.File($"{Domain.Name}-at-{to.Host.Name}.xml");
        await File.WriteAllTextAsync(file, xml.Replace(from.Host.Images, to.Host.Images, StringComparison.Ordinal));
        return ["--xml", file, "--migrateuri", $"tcp://{to.Host.DataAddress}"];
    }

    private static async Task<TestDomain> DomainAsync(HostPair pair, SerialListener serial, PassageOptions options) =>
        new(options.Name, await GuestImage.GetAsync(), serial)
        {
            Load = options.Load,
            MemoryMiB = options.MemoryMiB,
            Machine = options.Machine,
            Tuned = options.Tuned,
            EmulatorPath = options.Emulator,
            Devices = options.Devices,
            Disks = [.. Enumerable.Range(0, options.Disks)
                .Select(disk => new TestDisk(Path.Combine(Directory(pair.Alpha.Host, options, outside: false), ImageName(disk)), options.Format))],
        };

    private static string ImageName(int disk) => $"disk-{(char)('a' + disk)}.img";

    private static string Directory(TestHost host, PassageOptions options, bool outside) =>
        options.SharedStorage ? host.Run.File("shared") : outside ? host.ImagesOutside : host.Images;
}

/// <summary>What kind of guest goes aboard.</summary>
public sealed record PassageOptions
{
    public string Name { get; init; } = "passenger";

    public GuestLoad Load { get; init; } = GuestLoad.Idle;

    public int Disks { get; init; }

    public long DiskMiB { get; init; } = 64;

    public string Format { get; init; } = "raw";

    /// <summary>Both hosts use the same files; otherwise each has its own and a migration copies them.</summary>
    public bool SharedStorage { get; init; }

    /// <summary>Each disk is an overlay over an image that both hosts have (<see cref="Format"/> has to be qcow2), and only the overlay is copied.</summary>
    public bool Overlays { get; init; }

    public int MemoryMiB { get; init; } = 192;

    public string Machine { get; init; } = "q35";

    public string Emulator { get; init; } = TestDomain.Emulator;

    /// <summary>Another guest stays at alpha, and questions about it must be answered all the time.</summary>
    public bool Bystander { get; init; }

    /// <summary>See <see cref="TestDomain.Tuned"/>.</summary>
    public bool Tuned { get; init; }

    /// <summary>See <see cref="TestDomain.Devices"/>.</summary>
    public string Devices { get; init; } = "";

    /// <summary>The usual passenger: two disks, each written at 4 MiB/s.</summary>
    public static readonly PassageOptions TwoWrittenDisks = new() { Disks = 2, Load = new GuestLoad(WriteKiBps: 4096) };
}
