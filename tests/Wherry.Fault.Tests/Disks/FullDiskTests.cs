using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Disks;

/// <summary>No room left under a daemon's directories: calls that have to write are refused with the reason, and nothing is lost or half made.</summary>
public sealed class FullDiskTests
{
    private const string NoSpace = "No space left on device";

    [Fact(Explicit = true)]
    [Fault(30, 67)]
    public async Task A_full_disk_under_the_directories_of_a_daemon_refuses_what_has_to_be_written_and_harms_nothing_else()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        var (alpha, bravo) = ((Wherryd)pair.Alpha, (Wherryd)pair.Bravo);
        foreach (var daemon in new[] { alpha, bravo })
            await MoveOntoSmallDisksAsync(daemon);
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());

        // The judge of what is left looks from outside, where these disks are not seen.
        await FillAsync(alpha);
        await RefusedAsync(alpha, "define", Brief("late"));
        await RefusedAsync(alpha, "create", Brief("later"));
        var away = await passage.MoveAsync(alpha, bravo, ["--p2p"]);
        Assert.False(away.Succeeded);
        Assert.Contains(NoSpace, away.Error, StringComparison.Ordinal);
        await Aftermath.RunsWithTracesAsync(passage, pair, alpha);
        Assert.Equal("passenger", (await alpha.Virsh.AskAsync("list", "--all", "--name")).Trim());

        await FreeAsync(alpha);
        Assert.True((await passage.MoveAsync(alpha, bravo, ["--p2p"])).Succeeded);
        await Aftermath.RunsWithTracesAsync(passage, pair, bravo);

        // Now the host that it would come to.
        await FillAsync(alpha);
        var home = await passage.MoveAsync(bravo, alpha, ["--p2p"]);
        Assert.False(home.Succeeded);
        Assert.Contains(NoSpace, home.Error, StringComparison.Ordinal);
        await Aftermath.RunsWithTracesAsync(passage, pair, bravo);
        Assert.Equal("", (await alpha.Virsh.AskAsync("list", "--all", "--name")).Trim());

        await FreeAsync(alpha);
        Assert.True((await passage.MoveAsync(bravo, alpha, ["--p2p"])).Succeeded);
        await Aftermath.RunsWithTracesAsync(passage, pair, alpha);
    }

    private static async Task RefusedAsync(Wherryd daemon, string verb, string xml)
    {
        var result = await daemon.Virsh.RunWithXmlAsync(verb, xml);
        Assert.False(result.Succeeded);
        Assert.True(result.Error.Contains(NoSpace, StringComparison.Ordinal), $"{result}\n{daemon.LogTail(15)}");
    }

    private static async Task MoveOntoSmallDisksAsync(Wherryd daemon)
    {
        await daemon.StopAsync();
        foreach (var directory in Directories(daemon))
            await daemon.Host.RunAsync("mount", "-t", "tmpfs", "-o", "size=4m,mode=0755", "tmpfs", directory).Checked();
        await daemon.StartAsync();
    }

    private static async Task FillAsync(Wherryd daemon)
    {
        foreach (var directory in Directories(daemon))
        {
            // In blocks of the file system's size, to the last one; it ends when there is no room for another.
            var filled = await daemon.Host.RunAsync("dd", "if=/dev/zero", $"of={directory}/filler", "bs=4096");
            Assert.Contains(NoSpace, filled.Error, StringComparison.Ordinal);
        }
    }

    private static async Task FreeAsync(Wherryd daemon)
    {
        foreach (var directory in Directories(daemon))
            await daemon.Host.RunAsync("rm", $"{directory}/filler").Checked();
    }

    private static string[] Directories(Wherryd daemon) => [daemon.StateDirectory, daemon.ConfigDirectory];

    private static string Brief(string name) =>
        $"""
        <domain type='qemu'>
          <name>{name}</name>
          <memory unit='MiB'>16</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <devices><memballoon model='none'/></devices>
        </domain>
        """;
}
