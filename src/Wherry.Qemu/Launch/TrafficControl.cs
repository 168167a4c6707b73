using System.Globalization;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// How much a tap may carry, by tc(8) as libvirt does it:
/// <code>
///   inbound   what the host sends into the tap:    root qdisc htb 1: -- class 1:1 (rate, ceil, burst) -- sfq 2:, filter to it
///   outbound  what the host receives from the tap: qdisc ingress ffff: -- filter that polices the rate and drops what is above it
/// </code>
/// </summary>
internal static class TrafficControl
{
    private const string Tc = "tc";

    /// <summary>Bytes of an Ethernet frame: a class serves at least one before the next.</summary>
    private const ulong Mtu = 1500;

    /// <summary>In place of whatever there was.</summary>
    /// <exception cref="WherryException">InternalError: tc refuses, with its words; then less than asked for may be set.</exception>
    public static async Task SetAsync(ToolRunner tools, string tap, BandwidthSpec bandwidth, CancellationToken ct)
    {
        await ClearAsync(tools, tap, ct);
        foreach (var command in Commands(tap, bandwidth))
            await RunAsync(tools, command, ct);
        // Without a rate the tap needs no queue: the kernel's own would only cost time.
        if (bandwidth.Inbound is not { Average: > 0 })
            await TryAsync(tools, ["qdisc", "add", "dev", tap, "root", "handle", "0:", "noqueue"], ct);
    }

    internal static IEnumerable<string[]> Commands(string tap, BandwidthSpec bandwidth)
    {
        if (bandwidth.Inbound is { Average: > 0 } inbound)
        {
            yield return ["qdisc", "add", "dev", tap, "root", "handle", "1:", "htb", "default", "1"];
            yield return
            [
                "class", "add", "dev", tap, "parent", "1:", "classid", "1:1", "htb", "rate", $"{Text(inbound.Average)}kbps",
                .. inbound.Peak == 0 ? Array.Empty<string>() : ["ceil", $"{Text(inbound.Peak)}kbps"],
                .. inbound.Burst == 0 ? Array.Empty<string>() : ["burst", $"{Text(inbound.Burst)}kb"],
                "quantum", Text(Math.Max(1, inbound.Average * 1024 / 8 / Mtu)),
            ];
            yield return ["qdisc", "add", "dev", tap, "parent", "1:1", "handle", "2:", "sfq", "perturb", "10"];
            yield return ["filter", "add", "dev", tap, "parent", "1:0", "protocol", "all", "prio", "1", "handle", "1", "fw", "flowid", "1"];
        }

        if (bandwidth.Outbound is { } outbound)
        {
            // tc counts bytes in 32 bits.
            var burst = outbound.Burst == 0 ? Math.Min(outbound.Average, uint.MaxValue / 1024) : outbound.Burst;
            yield return ["qdisc", "add", "dev", tap, "ingress"];
            yield return
            [
                "filter", "add", "dev", tap, "parent", "ffff:", "protocol", "all", "u32", "match", "u32", "0", "0", "police",
                "rate", $"{Text(outbound.Average)}kbps", "burst", $"{Text(burst)}kb", "mtu", "64kb", "drop", "flowid", ":1",
            ];
        }
    }

    private static async Task ClearAsync(ToolRunner tools, string tap, CancellationToken ct)
    {
        await TryAsync(tools, ["qdisc", "del", "dev", tap, "root"], ct);
        await TryAsync(tools, ["qdisc", "del", "dev", tap, "ingress"], ct);
    }

    private static Task TryAsync(ToolRunner tools, string[] arguments, CancellationToken ct) => tools.CompleteAsync(ToolRunner.Find(Tc), arguments, ct);

    private static async Task RunAsync(ToolRunner tools, string[] arguments, CancellationToken ct)
    {
        var (status, said) = await tools.CompleteAsync(ToolRunner.Find(Tc), arguments, ct);
        if (status is not { Code: 0 })
        {
            throw new WherryException(
                ErrorCode.InternalError, $"Child process ({Tc} {string.Join(' ', arguments)}) unexpected exit status {status.Code}: {said}\n", ErrorDomain.None);
        }
    }

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
