using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests;

/// <summary>Two wherryd on hosts of their own, an unmodified virsh, and a guest that moves between them and is judged by what it did.</summary>
[Collection(nameof(OneAtATime))]
public sealed class MigrationTests(ITestOutputHelper output)
{
    [Theory]
    [Trait("req", "S2.11")]
    [Trait("req", "S2.15")]
    [InlineData("managed")]
    [InlineData("peer-to-peer", "--p2p")]
    public async Task A_guest_on_shared_storage_goes_there_and_back(string how, params string[] flags) =>
        await ThereAndBackAsync(await RealHosts.TwoWherrydAsync(), how, PassageOptions.TwoWrittenDisks with { SharedStorage = true }, flags);

    [Theory]
    [Trait("req", "S0.1")]
    [Trait("req", "S0.9")]
    [Trait("req", "S2.18")]
    [InlineData("managed, disks copied")]
    [InlineData("peer-to-peer, disks copied", "--p2p")]
    public async Task A_guest_that_writes_to_two_disks_goes_there_and_back_with_them(string how, params string[] flags) =>
        await ThereAndBackAsync(await RealHosts.TwoWherrydAsync(), how, PassageOptions.TwoWrittenDisks, flags);

    /// <summary>The orders in which four mirrors can end are run through with a simulated QEMU; this one takes those that come.</summary>
    [Fact]
    [Trait("req", "S0.1")]
    [Trait("req", "S0.14")]
    public async Task A_guest_that_writes_to_four_disks_goes_there_and_back_with_them() =>
        await ThereAndBackAsync(
            await RealHosts.TwoWherrydAsync(), "peer-to-peer, four disks copied", PassageOptions.TwoWrittenDisks with { Disks = 4 }, ["--p2p"]);

    /// <summary>As in the demo: the client gives the destination its own disk paths, in the text that dumpxml --migratable printed.</summary>
    [Fact]
    public async Task A_guest_goes_there_and_back_between_two_daemons_that_share_one_machine() =>
        await ThereAndBackAsync(
            await RealHosts.TwoWherrydAsync(isolated: false), "on one machine", PassageOptions.TwoWrittenDisks, ["--p2p"]);

    [Fact]
    public async Task Disks_of_the_qcow2_format_are_copied_as_well() =>
        await ThereAndBackAsync(await RealHosts.TwoWherrydAsync(), "qcow2", PassageOptions.TwoWrittenDisks with { Format = "qcow2" }, ["--p2p"]);

    [Fact]
    public async Task A_guest_that_dirties_memory_all_the_time_goes_there_and_back() =>
        await ThereAndBackAsync(
            await RealHosts.TwoWherrydAsync(), "dirtying 30 MiB/s", new PassageOptions { Load = new GuestLoad(DirtyMiBps: 30) }, ["--p2p"]);

    [Theory]
    [InlineData("managed, to a stock host")]
    [InlineData("peer-to-peer, to a stock host", "--p2p")]
    public async Task A_guest_goes_to_a_stock_host_and_back(string how, params string[] flags) =>
        await ThereAndBackAsync(await RealHosts.WherrydAndStockAsync(), how, PassageOptions.TwoWrittenDisks, flags);

    [Theory]
    [InlineData("disks on an I/O thread")]
    [InlineData("disks on an I/O thread, to a stock host", true)]
    public async Task I_O_threads_and_limits_of_disks_go_along(string how, bool toStock = false)
    {
        await using var pair = await (toStock ? RealHosts.WherrydAndStockAsync() : RealHosts.TwoWherrydAsync());
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { Tuned = true });
        var name = passage.Domain.Name;
        await pair.Alpha.Virsh.AskAsync("iothreadadd", name, "7");
        await pair.Alpha.Virsh.AskAsync("blkdeviotune", name, "vdb", "--total-iops-sec", "3000");
        var (here, there) = (pair.Alpha, pair.Bravo);
        foreach (var leg in (int[])[1, 2])
        {
            var moved = await passage.MoveAsync(here, there, ["--p2p"]);
            Assert.True(moved.Succeeded, $"{moved}\n{here.LogTail()}\n{there.LogTail()}");
            Assert.Empty(await passage.JudgeAsync(there));
            Assert.Equal(["1", "7"], Columns(await there.Virsh.AskAsync("iothreadinfo", name)).Order(StringComparer.Ordinal));
            var limits = await there.Virsh.AskAsync("blkdeviotune", name, "vdb");
            Assert.Contains("total_bytes_sec: 20971520", limits, StringComparison.Ordinal);
            Assert.Contains("total_iops_sec : 3000", limits, StringComparison.Ordinal);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{how}, leg {leg}: {moved.Elapsed.TotalSeconds:0.00} s"));
            (here, there) = (there, here);
        }

        static IEnumerable<string> Columns(string table) =>
            table.Split('\n').Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(cells => cells.Length == 2).Select(cells => cells[0]);
    }

    [Fact]
    public async Task A_daemon_that_restarts_finds_its_guest_running_and_can_move_it()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        await pair.Alpha.StopAsync();
        await passage.Timeline.WaitForBeatAsync(Passage.Limit);
        await pair.Alpha.StartAsync();
        Assert.Empty(await passage.JudgeAsync(pair.Alpha));
        await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]).Checked();
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    private async Task ThereAndBackAsync(HostPair hosts, string how, PassageOptions options, string[] flags)
    {
        await using var pair = hosts;
        await using var passage = await Passage.BoardAsync(pair, options);
        var (here, there) = (pair.Alpha, pair.Bravo);
        for (var leg = 0; leg < 2; leg++)
        {
            var moved = await passage.MoveAsync(here, there, flags);
            Assert.True(moved.Succeeded, $"{moved}\n{here.LogTail()}\n{there.LogTail()}");
            var problems = await passage.JudgeAsync(there);
            Assert.True(problems.Count == 0, $"{string.Join("; ", problems)}\n{here.LogTail()}\n{there.LogTail()}");

            var job = await there.Virsh.AskAsync("domjobinfo", "--completed", passage.Domain.Name);
            Assert.Contains("Completed", job, StringComparison.Ordinal);
            Assert.Contains("Incoming migration", job, StringComparison.Ordinal);
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{how}: {here.Host.Name} -> {there.Host.Name} in {moved.Elapsed.TotalSeconds:0.00} s, guest silent for "
                + $"{passage.Timeline.HandOvers[leg].Silence.TotalMilliseconds:0} ms"));
            (here, there) = (there, here);
        }
    }
}
