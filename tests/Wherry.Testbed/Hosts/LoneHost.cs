namespace Wherry.Testbed.Hosts;

/// <summary>One host with a daemon, for what needs no peer.</summary>
public sealed class LoneHost : IAsyncDisposable
{
    private LoneHost(RunDirectory run, DaemonRunner daemon)
    {
        Run = run;
        Daemon = daemon;
    }

    public RunDirectory Run { get; }

    public DaemonRunner Daemon { get; }

    public Virsh Virsh => Daemon.Virsh;

    /// <param name="daemon">Makes the runner; the port is a free one when the host is not isolated.</param>
    /// <param name="isolated">In namespaces of its own.</param>
    public static async Task<LoneHost> StartAsync(Func<TestHost, int, DaemonRunner> daemon, bool isolated = true)
    {
        var run = RunDirectory.Create();
        try
        {
            var host = await TestHost.CreateAsync(run, "alpha", isolated);
            var lone = new LoneHost(run, daemon(host, isolated ? 16509 : HostPair.FreePort()));
            await lone.Daemon.StartAsync();
            return lone;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        await Daemon.Host.DisposeAsync();
        await Run.DisposeAsync();
    }
}
