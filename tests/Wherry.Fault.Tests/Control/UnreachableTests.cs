using System.Buffers.Binary;
using System.Diagnostics;
using Wherry.Testbed;
using Wherry.Testbed.Proxies;
using Wherry.Wire.Remote;

namespace Wherry.Fault.Tests.Control;

/// <summary>A destination that cannot be reached at all: the guest is never disturbed, and who asked hears which host and why.</summary>
public sealed class UnreachableTests(UnreachableTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<UnreachableTests.Hosts>
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(30);

    [Fact]
    [Fault(15)]
    public async Task A_destination_that_refuses_says_nothing_or_has_no_name_is_named_with_the_cause()
    {
        await using var crossing = await hosts.EnterAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        // The last word of the list of authentications that it offers: 1 is SASL.
        proxy.Alter(RpcFrame.Reply(RemoteProcedure.AuthList), bytes =>
        {
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(^4..), 1);
            return bytes;
        });
        var address = crossing.To.Host.ControlAddress;
        foreach (var (uri, why) in ((string, string)[])
        [
            ($"qemu+tcp://{address}:1/system", "Connection refused"),
            ($"qemu+tcp://{crossing.To.Host.Name}.invalid/system", "Unable to resolve address"),
            ($"qemu+tls://{crossing.To.Host.Name}.invalid/system", ""),
            ("qemu+unix:///system?socket=/nonexistent", "No such file"),
            ("qemu+tcp:///system", "same host"),
            (proxy.Uri, "offers only"),
        ])
        {
            await RefusedAsync(crossing, uri, why, TimeSpan.FromSeconds(5));
        }

        await crossing.EndsAtAsync(crossing.From);
    }

    [Theory(Explicit = true)]
    [Fault(15)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_destination_or_a_name_server_that_answers_nothing_is_given_up_in_time(bool names)
    {
        await using var crossing = await hosts.EnterAsync(output);
        var (host, address) = (crossing.From.Host, crossing.To.Host.ControlAddress);
        await host.CutAsync([$"ip daddr {address} drop"]);
        var resolver = Path.Combine(host.Directory, "resolv.conf");
        await File.WriteAllTextAsync(resolver, $"nameserver {address}\n");
        await host.RunAsync("mount", "--bind", resolver, "/etc/resolv.conf").Checked();
        await RefusedAsync(crossing, names ? "qemu+tcp://elsewhere.example/system" : $"qemu+tcp://{address}/system", "", ConnectTimeout + TimeSpan.FromSeconds(5));
        await host.RunAsync("umount", "/etc/resolv.conf").Checked();
        await host.MendAsync();
        await crossing.EndsAtAsync(crossing.From);
    }

    private async Task RefusedAsync(Crossing crossing, string uri, string why, TimeSpan within)
    {
        var began = Stopwatch.GetTimestamp();
        var refused = await crossing.MoveAsync(uri);
        output.WriteLine($"{uri}: {refused.Error.Trim()} ({refused.Elapsed.TotalSeconds:0.0} s)");
        Assert.False(refused.Succeeded, uri);
        Assert.True(refused.Error.Contains(why, StringComparison.Ordinal), $"{refused}\n{crossing.Logs()}");
        Assert.True(refused.Elapsed < within, $"{refused}");
        Assert.True(crossing.Passage.Timeline.LongestSilence(began) < TimeSpan.FromSeconds(1), "the guest stood still");
    }

    public sealed class Hosts() : Crossings(new PassageOptions { Bystander = true });
}
