namespace Wherry.Testbed.Hosts;

/// <summary>
/// Two hosts, "alpha" and "bravo", with a daemon each, ready to migrate to one another.
/// <code>
///   isolated:   [alpha]──ctl 10.71.1.0/24──[bravo]      RAM and disks go over dat when the test asks for it
///                  └─────dat 10.71.2.0/24─────┘
///   not:        both on this machine, on loopback
/// </code>
/// </summary>
public sealed class HostPair : IAsyncDisposable
{
    private HostPair(RunDirectory run, DaemonRunner alpha, DaemonRunner bravo)
    {
        Run = run;
        Alpha = alpha;
        Bravo = bravo;
    }

    public RunDirectory Run { get; }

    public DaemonRunner Alpha { get; }

    public DaemonRunner Bravo { get; }

    /// <summary>The hosts with running daemons. A daemon that is not isolated gets a port of its own.</summary>
    public static async Task<HostPair> StartAsync(
        Func<TestHost, int, DaemonRunner> daemon, bool isolated = true, bool inMemory = false, Func<TestHost, int, DaemonRunner>? peer = null)
    {
        var run = RunDirectory.Create(inMemory);
        try
        {
            var alpha = await TestHost.CreateAsync(run, "alpha", isolated);
            var bravo = await TestHost.CreateAsync(run, "bravo", isolated);
            if (isolated)
                await TestHost.ConnectAsync(alpha, bravo);
            var pair = new HostPair(run, daemon(alpha, isolated ? 16509 : FreePort()), (peer ?? daemon)(bravo, isolated ? 16509 : FreePort()));
            await pair.Alpha.StartAsync();
            await pair.Bravo.StartAsync();
            return pair;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Alpha.DisposeAsync();
        await Bravo.DisposeAsync();
        await Alpha.Host.DisposeAsync();
        await Bravo.Host.DisposeAsync();
        await Run.DisposeAsync();
    }

    internal static int FreePort()
    {
        using var socket = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        socket.Start();
        return ((System.Net.IPEndPoint)socket.LocalEndpoint).Port;
    }
}
