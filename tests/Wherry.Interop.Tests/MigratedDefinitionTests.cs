using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests;

/// <summary>What is defined where, after a guest has moved, or after only its definition has.</summary>
[Collection(nameof(OneAtATime))]
public sealed class MigratedDefinitionTests(ITestOutputHelper output)
{
    /// <summary>The sixteen rows of libvirt's table: kept here or there before, --persistent, --undefinesource.</summary>
    [Fact]
    [Trait("req", "S2.16")]
    public async Task What_is_kept_depends_on_what_was_kept_before_and_on_two_flags()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        foreach (var row in Rows())
            Assert.Equal((row, row.ExpectedHere, row.ExpectedThere), await MoveAsync(pair, row));
    }

    [Fact(Explicit = true)]
    [Trait("suite", "kinds")]
    public async Task What_is_kept_is_what_stock_keeps()
    {
        await using var pair = await RealHosts.TwoStockAsync();
        foreach (var row in Rows())
            Assert.Equal((row, row.ExpectedHere, row.ExpectedThere), await MoveAsync(pair, row));
    }

    [Theory]
    [Trait("req", "S2.17")]
    [InlineData(false)]
    [InlineData(false, "--p2p")]
    [InlineData(true)]
    [InlineData(true, "--p2p")]
    public async Task A_definition_moves_without_its_guest_there_and_back(bool toStock, params string[] flags)
    {
        await using var pair = await (toStock ? RealHosts.WherrydAndStockAsync() : RealHosts.TwoWherrydAsync());
        var (here, there) = (pair.Alpha, pair.Bravo);
        await here.Virsh.RunWithXmlAsync("define", new FirmwareDomain("still").Xml).Checked();
        foreach (var leg in (int[])[1, 2])
        {
            string[] move = ["virsh", "-q", "-c", here.PeerUri, "migrate", "--offline", .. flags, "still", there.PeerUri];
            Assert.Contains(
                "offline migration must be specified with the persistent flag set", (await Command.RunAsync(here.Host.Enter(move))).Error, StringComparison.Ordinal);
            Assert.False((await Command.RunAsync(here.Host.Enter([.. move, "--persistent", "--copy-storage-all"]))).Succeeded);
            Assert.Equal((true, false), (await IsDefinedAsync(here, "still"), await IsDefinedAsync(there, "still")));

            await Command.RunAsync(here.Host.Enter([.. move, "--persistent"])).Checked();
            Assert.Equal((true, true), (await IsDefinedAsync(here, "still"), await IsDefinedAsync(there, "still")));
            await there.Virsh.AskAsync("undefine", "still");

            await Command.RunAsync(here.Host.Enter([.. move, "--persistent", "--undefinesource"])).Checked();
            Assert.Equal((false, true), (await IsDefinedAsync(here, "still"), await IsDefinedAsync(there, "still")));
            output.WriteLine($"leg {leg}: {string.Join(' ', move.Skip(4))} --persistent --undefinesource");
            (here, there) = (there, here);
        }

        await here.Virsh.AskAsync("start", "still");
        if (here is Wherryd)
        {
            var running = await Command.RunAsync(here.Host.Enter(
                ["virsh", "-q", "-c", here.PeerUri, "migrate", "--offline", "--persistent", .. flags, "still", there.PeerUri]));
            Assert.Contains("is running, an offline migration is of one that does not", running.Error, StringComparison.Ordinal);
            Assert.False(await IsDefinedAsync(there, "still"));
        }

        await here.Virsh.AskAsync("destroy", "still");
    }

    private static IEnumerable<Row> Rows() =>
        from here in (bool[])[false, true]
        from there in (bool[])[false, true]
        from persist in (bool[])[false, true]
        from undefine in (bool[])[false, true]
        select new Row(here, there, persist, undefine);

    private static async Task<(Row Row, bool Here, bool There)> MoveAsync(HostPair pair, Row row)
    {
        const string name = "mover";
        var xml = new FirmwareDomain(name) { Elements = $"<uuid>{Guid.NewGuid()}</uuid>" }.Xml;
        if (row.DefinedThere)
            await pair.Bravo.Virsh.RunWithXmlAsync("define", xml).Checked();
        await pair.Alpha.Virsh.RunWithXmlAsync(row.DefinedHere ? "define" : "create", xml).Checked();
        if (row.DefinedHere)
            await pair.Alpha.Virsh.AskAsync("start", name);

        string[] flags = [.. row.Persist ? (string[])["--persistent"] : [], .. row.Undefine ? (string[])["--undefinesource"] : []];
        await Command.RunAsync(pair.Alpha.Host.Enter(
            ["virsh", "-q", "-c", pair.Alpha.PeerUri, "migrate", "--live", "--p2p", .. flags, name, pair.Bravo.PeerUri])).Checked();
        Assert.Equal("running", (await pair.Bravo.Virsh.AskAsync("domstate", name)).Trim());
        await pair.Bravo.Virsh.AskAsync("destroy", name);
        var kept = (row, await IsDefinedAsync(pair.Alpha, name), await IsDefinedAsync(pair.Bravo, name));
        foreach (var daemon in (DaemonRunner[])[pair.Alpha, pair.Bravo])
        {
            if (await IsDefinedAsync(daemon, name))
                await daemon.Virsh.AskAsync("undefine", name);
        }

        return kept;
    }

    private static async Task<bool> IsDefinedAsync(DaemonRunner daemon, string name) =>
        (await daemon.Virsh.AskAsync("list", "--all", "--name")).Split('\n').Contains(name);

    private sealed record Row(bool DefinedHere, bool DefinedThere, bool Persist, bool Undefine)
    {
        public bool ExpectedHere => DefinedHere && !Undefine;

        public bool ExpectedThere => DefinedThere || Persist;
    }
}
