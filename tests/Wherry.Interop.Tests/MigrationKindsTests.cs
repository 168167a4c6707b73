using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;
using Wherry.Testing.Tls;

namespace Wherry.Interop.Tests;

/// <summary>
/// Every way in which memory and disks can travel, asked for with virsh's own options, between two wherryd and between ours and a stock
/// libvirtd, there and back. A row prints the command, how long it took and how long the guest was silent.
/// </summary>
[Collection(nameof(OneAtATime))]
public sealed class MigrationKindsTests(ITestOutputHelper output)
{
    private static readonly TestAuthority Authority = new("Migration CA");
    private static readonly PassageOptions Restless = PassageOptions.TwoWrittenDisks with { Load = new GuestLoad(WriteKiBps: 2048, DirtyMiBps: 10, TouchMiB: 16) };

    public static readonly TheoryData<string> Kinds = new()
    {
        "--p2p --parallel",
        "--parallel --parallel-connections 4",
        "--p2p --compressed",
        "--compressed --comp-methods xbzrle --comp-xbzrle-cache 33554432",
        "--p2p --compressed --comp-methods mt --comp-mt-level 1 --comp-mt-threads 2 --comp-mt-dthreads 2",
        "--p2p --auto-converge --auto-converge-initial 30 --auto-converge-increment 20",
        "--auto-converge --auto-converge-initial 30",
        "--p2p --tls",
        "--tls --tls-destination there",

        // The name is given because stock does not pass it on to its NBD clients where QEMU connects by itself.
        "--p2p --tls --tls-destination there --parallel",
        "--p2p --tunnelled",
        "--p2p --tunnelled --compressed",
        "--p2p --disks-port 49300",
        "--p2p --migrateuri tcp://DATA --disks-uri tcp://DATA:49301",
        "--migrateuri tcp://[DATA6]:49302 --listen-address ::",
        "--p2p --migrateuri unix://RUN/memory.sock --disks-uri unix://RUN/disks.sock",
        "--p2p --bandwidth 200 --copy-storage-synchronous-writes",
        "--p2p --migrate-disks vda,vdb",
        "--p2p --postcopy --postcopy-after-precopy",
        "--postcopy --postcopy-after-precopy",
    };

    [Theory]
    [InlineData("--p2p --tls --parallel")]
    [InlineData("--migrateuri unix://RUN/memory.sock --disks-uri unix://RUN/disks.sock --compressed")]
    [InlineData("--p2p --tunnelled")]
    public async Task Some_between_two_wherryd(string options) => await ThereAndBackAsync(await RealHosts.PairAsync(Wherry), options);

    [Theory]
    [InlineData("--tls --tls-destination there --parallel")]
    [InlineData("--p2p --tunnelled")]
    public async Task Some_between_wherryd_and_stock(string options) => await ThereAndBackAsync(await RealHosts.PairAsync(Wherry, Stock), options);

    [Theory(Explicit = true)]
    [Trait("suite", "kinds")]
    [MemberData(nameof(Kinds))]
    [InlineData("--p2p --parallel --zerocopy")] // stock refuses it where it may not raise limits, whatever its QEMU may lock
    public async Task Every_kind_between_two_wherryd(string options) => await ThereAndBackAsync(await RealHosts.PairAsync(Wherry), options);

    [Theory(Explicit = true)]
    [Trait("suite", "kinds")]
    [MemberData(nameof(Kinds))]
    public async Task Every_kind_between_wherryd_and_stock(string options) => await ThereAndBackAsync(await RealHosts.PairAsync(Wherry, Stock), options);

    /// <summary>Nova's block migration: the base is on both hosts, and only what the guest wrote over it travels.</summary>
    [Theory(Explicit = true)]
    [Trait("suite", "kinds")]
    [InlineData(false, "--p2p")]
    [InlineData(false, "--bandwidth", "100")]
    [InlineData(true, "--p2p")]
    [InlineData(true, "--bandwidth", "100")]
    public async Task Of_an_overlay_only_the_top_layer_is_copied(bool stock, params string[] options)
    {
        await using var pair = stock ? await RealHosts.PairAsync(Wherry, Stock) : await RealHosts.PairAsync(Wherry);
        await using var passage = await Passage.BoardAsync(pair, Restless with { Disks = 1, DiskMiB = 256, Format = "qcow2", Overlays = true });
        var image = Path.Combine(pair.Bravo.Host.ImagesOutside, Path.GetFileName(passage.Domain.Disks[0].Path));
        File.Move(image, $"{image}.away");
        var missing = await passage.MoveAsync(pair.Alpha, pair.Bravo, options);
        Assert.Contains("pre-creation of storage targets for incremental storage migration is not supported", missing.Error, StringComparison.Ordinal);
        File.Move($"{image}.away", image);

        var (here, there) = (pair.Alpha, pair.Bravo);
        for (var leg = 0; leg < 2; leg++)
        {
            var moved = await passage.MoveAsync(here, there, options);
            Assert.True(moved.Succeeded, $"{moved}\n{here.LogTail()}\n{there.LogTail()}");
            Assert.Empty(await passage.JudgeAsync(there));
            var copied = Path.Combine(there.Host.ImagesOutside, Path.GetFileName(image));
            Assert.Equal([1], await LayersAtEndAsync(copied));
            output.WriteLine($"{here.Name} -> {there.Name}: migrate --live --copy-storage-inc {string.Join(' ', options)}: {moved.Elapsed.TotalSeconds:0.00} s");
            (here, there) = (there, here);
        }
    }

    /// <summary>Where the image's last MiB, which the guest has not written to, comes from: 0 is the overlay, 1 what is below it.</summary>
    private static async Task<IEnumerable<int>> LayersAtEndAsync(string image)
    {
        var map = await Command.RunAsync(["qemu-img", "map", "-U", "--output=json", "--start-offset=255M", image]).Checked();
        return System.Text.Json.Nodes.JsonNode.Parse(map.Output)!.AsArray().Select(extent => (int)extent!["depth"]!).Distinct();
    }

    /// <summary>What is wrong with certificates is told before the guest stops, and leaves nothing behind.</summary>
    [Fact]
    [Fault(85)]
    public async Task A_destination_that_cannot_prove_its_name_gets_nothing()
    {
        await using var pair = await RealHosts.PairAsync(Wherry, (host, port) => new Wherryd(host, port)
        {
            MoreQemuConfiguration = Certificates(host, "somebody.else"),
        });
        await using var passage = await Passage.BoardAsync(pair, Restless);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        foreach (var (options, why) in ((string[], string)[])
        [
            (["--p2p", "--tls"], "Certificate does not match the hostname"),
            (["--p2p", "--tls", "--tls-destination", "bravo.example"], "Certificate does not match the hostname"),
        ])
        {
            var refused = await passage.MoveAsync(pair.Alpha, pair.Bravo, options);
            Assert.False(refused.Succeeded, "the guest went to a host that is not the one meant");
            Assert.Contains(why, refused.Error, StringComparison.Ordinal);
            Assert.Empty(await passage.JudgeAsync(pair.Alpha));
            await RequireNoTraceAsync(passage, pair.Alpha);
        }

        output.WriteLine($"the guest was never silent for more than {passage.Timeline.LongestSilence(began).TotalMilliseconds:0} ms");
        await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--tls", "--tls-destination", "somebody.else"]).Checked();
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    private async Task ThereAndBackAsync(HostPair hosts, string options)
    {
        await using var pair = hosts;
        var shared = options.Contains("--tunnelled", StringComparison.Ordinal); // only memory can be tunnelled
        await using var passage = await Passage.BoardAsync(pair, Restless with { SharedStorage = shared });
        var (here, there) = (pair.Alpha, pair.Bravo);
        for (var leg = 0; leg < 2; leg++)
        {
            var flags = options
                .Replace("DATA6", there.Host.DataAddress6, StringComparison.Ordinal)
                .Replace("DATA", there.Host.DataAddress, StringComparison.Ordinal)
                .Replace("RUN", pair.Run.Path, StringComparison.Ordinal)
                .Replace("there", there.Host.Name, StringComparison.Ordinal)
                .Split(' ');
            var moved = await passage.MoveAsync(here, there, flags);
            Assert.True(moved.Succeeded, $"{moved}\n{here.LogTail()}\n{there.LogTail()}");
            if (options.Contains("xbzrle", StringComparison.Ordinal))
                Assert.Contains("Compression cache: 32.000 MiB", await there.Virsh.AskAsync("domjobinfo", "--completed", passage.Domain.Name), StringComparison.Ordinal);

            var problems = await passage.JudgeAsync(there);
            Assert.True(problems.Count == 0, $"{string.Join("; ", problems)}\n{here.LogTail()}\n{there.LogTail()}");
            if (there is Wherryd)
                await RequireNoTraceAsync(passage, there);

            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{here.Name} -> {there.Name}: migrate --live {(shared ? "--unsafe" : "--copy-storage-all")} {options}: {moved.Elapsed.TotalSeconds:0.00} s, guest silent for "
                + $"{passage.Timeline.HandOvers[leg].Silence.TotalMilliseconds:0} ms"));
            (here, there) = (there, here);
        }
    }

    /// <summary>What QEMU sends without copying stays locked until it is sent. One that no limit holds for needs none; another is given as much as the
    /// guest has for as long as that is sent, or the migration is refused where the daemon may not give it.</summary>
    [Fact]
    public async Task QEMU_may_lock_the_guests_memory_while_it_sends_it_without_copying()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        var emulator = pair.Run.File("limited-qemu");
        await File.WriteAllTextAsync(emulator, $"#!/bin/sh\nexec setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock {TestDomain.Emulator} \"$@\"\n");
        File.SetUnixFileMode(emulator, (UnixFileMode)0b111_101_101);
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions { Emulator = emulator });
        var pid = passage.Timeline.Pids[0];
        var before = LockedMemory(pid);
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--parallel", "--zerocopy", "--bandwidth", "1"]);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (LockedMemory(pid) == before && !moving.IsCompleted)
        {
            await pair.Alpha.Virsh.RunAsync("domjobinfo", passage.Domain.Name);
            Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < Passage.Limit, pair.Alpha.LogTail());
        }

        var during = LockedMemory(pid);
        await pair.Alpha.Virsh.RunAsync("domjobabort", passage.Domain.Name);
        var ended = await moving;
        output.WriteLine($"before {before}, during {during}: {ended.Error.Trim()}");
        Assert.False(ended.Succeeded);
        if (during == before)
            Assert.Matches("cannot limit locked memory of process [0-9]+ to 201326592: Operation not permitted", ended.Error);
        else
            Assert.Equal("201326592", during); // 192 MiB

        Assert.Equal(before, LockedMemory(pid));
        Assert.Empty(await passage.JudgeAsync(pair.Alpha));
    }

    private static string LockedMemory(int pid) => File.ReadLines($"/proc/{pid}/limits")
        .Single(line => line.StartsWith("Max locked memory", StringComparison.Ordinal))
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)[3];

    /// <summary>J5: QEMU is as one that has never migrated.</summary>
    private static async Task RequireNoTraceAsync(Passage passage, DaemonRunner daemon)
    {
        var name = passage.Domain.Name;
        Assert.DoesNotContain("objlibvirt_migrate_tls0", await daemon.Virsh.AskAsync("qemu-monitor-command", name, """{"execute":"qom-list","arguments":{"path":"/objects"}}"""), StringComparison.Ordinal);
        var capabilities = await daemon.Virsh.AskAsync("qemu-monitor-command", name, """{"execute":"query-migrate-capabilities"}""");
        Assert.Equal(1, capabilities.Split("\"state\":true").Length - 1); // events
        var parameters = await daemon.Virsh.AskAsync("qemu-monitor-command", name, """{"execute":"query-migrate-parameters"}""");
        Assert.Contains("\"tls-creds\":\"\"", parameters, StringComparison.Ordinal);
        Assert.Contains("\"multifd-channels\":2", parameters, StringComparison.Ordinal);
    }

    private static Wherryd Wherry(TestHost host, int port) => new(host, port)
    {
        MoreQemuConfiguration = Certificates(host),
    };

    private static StockLibvirtd Stock(TestHost host, int port) => new(host) { MoreQemuConfiguration = Certificates(host) };

    private static string Certificates(TestHost host, string? certifiedName = null) =>
        Authority.InstallForMigration(host.Directory, host.Name, certifiedName);
}
