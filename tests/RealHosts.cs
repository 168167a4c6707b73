using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry;

/// <summary>Pairs of daemons for a test, or a skip with the reason why this machine cannot have them.</summary>
internal static class RealHosts
{
    public static Task<HostPair> TwoWherrydAsync(bool isolated = true)
    {
        SkipUnless(GuestImage.Missing, isolated ? TestHost.IsolationMissing : null);
        return HostPair.StartAsync((host, port) => new Wherryd(host, port), isolated);
    }

    /// <summary>Two isolated hosts with a daemon each that the test makes.</summary>
    public static Task<HostPair> PairAsync(Func<TestHost, int, DaemonRunner> daemon, Func<TestHost, int, DaemonRunner>? peer = null)
    {
        SkipUnless(GuestImage.Missing, peer is null ? TestHost.IsolationMissing : StockLibvirtd.Missing);
        return HostPair.StartAsync(daemon, peer: peer);
    }

    public static Task<HostPair> TwoStockAsync()
    {
        SkipUnless(GuestImage.Missing, StockLibvirtd.Missing);
        return HostPair.StartAsync((host, _) => new StockLibvirtd(host));
    }

    /// <summary>wherryd at alpha, stock libvirtd at bravo.</summary>
    public static Task<HostPair> WherrydAndStockAsync()
    {
        SkipUnless(GuestImage.Missing, StockLibvirtd.Missing);
        return HostPair.StartAsync((host, _) => new Wherryd(host), peer: (host, _) => new StockLibvirtd(host));
    }

    private static void SkipUnless(params string?[] missing)
    {
        foreach (var reason in missing)
            Assert.SkipWhen(reason is not null, reason ?? "");
    }
}
