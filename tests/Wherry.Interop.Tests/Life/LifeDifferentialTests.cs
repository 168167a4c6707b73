using Wherry.Interop.Tests.Comparison;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Life;

/// <summary>
/// A domain's life through python-libvirt and its event loop (tests/data/python/life.py), against wherryd and against stock libvirtd: the
/// same calls, and every line must be the same, answers, error codes and events in their order.
/// </summary>
public sealed class LifeDifferentialTests
{
    private const string Script = "tests/data/python/life.py";

    [Theory]
    [Trait("layer", "interop")]
    [Trait("req", "S4.1")]
    [Trait("req", "S4.11")]
    [Trait("req", "S4.12")]
    [Trait("req", "S4.15")]
    [InlineData("life,definitions,reboots,bound,registrations")]
    [InlineData("crashes,actions")]
    [InlineData("devices")]
    public async Task Python_hears_the_same_from_wherryd_as_from_stock_libvirtd(string parts)
    {
        Assert.SkipWhen(StockLibvirtd.Missing is not null, StockLibvirtd.Missing ?? "");
        Assert.SkipWhen(!File.Exists("/usr/lib/python3/dist-packages/libvirt.py"), "python3-libvirt is not installed");
        var ours = RunAsync((host, _) => new Wherryd(host) { InLibvirtsDirectories = true }, parts);
        var stock = RunAsync((host, _) => new StockLibvirtd(host), parts);
        await Task.WhenAll(ours, stock);
        Assert.True(
            await ours == await stock,
            $"- stock, + wherryd\n{LineDifference.Of(await ours, await stock)}");
    }

    /// <summary>Alone, because stock libvirtd answers "already being removed" to who looks a moment too early.</summary>
    [Fact]
    [Trait("layer", "interop")]
    [Trait("req", "S4.12")]
    public async Task Who_hears_of_an_end_does_not_find_the_domain_and_a_start_beside_an_undefine_loses_no_guest()
    {
        Assert.SkipWhen(!File.Exists("/usr/lib/python3/dist-packages/libvirt.py"), "python3-libvirt is not installed");
        const string Expected = """
            == endings
            looked up when it was told of: ['1: code 42', '5: code 42']
            undefined while it was started, and lost: []

            """;
        Assert.Equal(Expected, await RunAsync((host, _) => new Wherryd(host), "endings"));
    }

    private static async Task<string> RunAsync(Func<TestHost, int, DaemonRunner> daemon, string parts)
    {
        await using var lone = await LoneHost.StartAsync(daemon);
        var command = lone.Daemon.Host.Enter(
            ["/usr/bin/python3", Path.Combine(Repository.Root, Script), lone.Daemon.Uri, "5907", parts]);
        var result = await Command.RunAsync(command, TimeSpan.FromMinutes(5));
        Assert.True(result.ExitCode == 0, $"{Script} ended with {result.ExitCode}\n{result.Output}{result.Error}");
        return $"{result.Output}{result.Error.Replace(lone.Run.Path, "/run-directory", StringComparison.Ordinal)}";
    }
}
