using System.Globalization;
using Wherry.Interop.Tests.Life;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests;

/// <summary>Control over ssh: a real sshd on the destination, and the source daemon's own ssh.</summary>
[Collection(nameof(OneAtATime))]
public sealed class MigrationOverSshTests(ITestOutputHelper output)
{
    private static readonly PassageOptions Restless = PassageOptions.TwoWrittenDisks with { Load = new GuestLoad(WriteKiBps: 1024, DirtyMiBps: 10, TouchMiB: 16) };

    [Theory]
    [Trait("req", "S2.5")]
    [Trait("req", "S2.15")]
    [Trait("suite", "kinds")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guest_goes_there_and_back(bool stock)
    {
        await using var pair = await PairAsync(stock);
        await using var alpha = await SshServer.StartAsync(pair.Alpha);
        await using var bravo = await SshServer.StartAsync(pair.Bravo);
        await using var passage = await Passage.BoardAsync(pair, Restless);
        var (here, there, via) = (pair.Alpha, pair.Bravo, bravo.Uri);
        foreach (string[] flags in (string[][])[["--p2p"], ["--p2p"], [], []])
        {
            var moved = await passage.MoveAsync(here, there, flags, via: via);
            Assert.True(moved.Succeeded, $"{moved}\n{here.LogTail()}\n{there.LogTail()}");
            Assert.Empty(await passage.JudgeAsync(there));
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{here.Name} -> {there.Name}: migrate --live --copy-storage-all {string.Join(' ', flags)} qemu+ssh: {moved.Elapsed.TotalSeconds:0.00} s"));
            (here, there, via) = (there, here, there == pair.Bravo ? alpha.Uri : bravo.Uri);
        }

        Assert.False((await pair.Alpha.Host.RunAsync("pidof", "ssh")).Succeeded, "an ssh is left on alpha");
    }

    [Fact]
    [Trait("req", "S2.5")]
    public async Task The_end_of_ssh_in_the_middle_is_the_loss_of_a_link_and_not_of_the_migration()
    {
        await using var pair = await PairAsync(stock: false);
        await using var bravo = await SshServer.StartAsync(pair.Bravo);
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--bandwidth", "20"], via: bravo.Uri);
        await pair.Alpha.Virsh.UntilAsync("Memory processed", "domjobinfo", passage.Domain.Name);
        await pair.Alpha.Host.RunAsync("sh", "-c", "kill $(pidof ssh)").Checked();
        var moved = await moving;
        Assert.True(moved.Succeeded, $"{moved}\n{pair.Alpha.LogTail()}\n{pair.Bravo.LogTail()}");
        Assert.Equal(2, File.ReadLines(pair.Alpha.LogPath).Count(line => line.Contains("(to root@bravo): connected", StringComparison.Ordinal)));
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
    }

    [Fact]
    [Fault(15)]
    public async Task What_ssh_has_to_say_is_said_and_the_guest_never_notices()
    {
        await using var pair = await PairAsync(stock: false);
        await using var bravo = await SshServer.StartAsync(pair.Bravo);
        await using var passage = await Passage.BoardAsync(pair, Restless);
        await File.WriteAllTextAsync(bravo.KnownHosts, "");
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        foreach (var (via, why) in ((string, string)[])
        [
            (bravo.Uri, "Host key verification failed"),
            ("qemu+ssh://bravo/system?command=/no/such/ssh", "/no/such/ssh"),
            ("qemu+ssh://bravo/system?proxy=nosuch", "Unknown proxy type 'nosuch'"),
        ])
        {
            var refused = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"], via: via);
            Assert.False(refused.Succeeded, "it went to a host that ssh does not know");
            Assert.Contains("bravo", refused.Error, StringComparison.Ordinal);
            Assert.Contains(why, refused.Error, StringComparison.Ordinal);
            Assert.InRange(refused.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(10));
            output.WriteLine(refused.Error.Trim());
        }

        output.WriteLine($"the guest was never silent for more than {passage.Timeline.LongestSilence(began).TotalMilliseconds:0} ms");
        Assert.Empty(await passage.JudgeAsync(pair.Alpha));
    }

    private static async Task<HostPair> PairAsync(bool stock)
    {
        Assert.SkipWhen(SshServer.Missing is not null, SshServer.Missing ?? "");
        return stock ? await RealHosts.WherrydAndStockAsync() : await RealHosts.TwoWherrydAsync();
    }
}
