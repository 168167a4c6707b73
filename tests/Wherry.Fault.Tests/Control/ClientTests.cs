using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testbed.Judges;
using Wherry.Testbed.Proxies;
using Wherry.Wire.Remote;

namespace Wherry.Fault.Tests.Control;

/// <summary>Clients that vanish, lose half of their connections, or keep a daemon busy.</summary>
public sealed class ClientTests(ClientTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<ClientTests.Hosts>
{
    private static readonly TimeSpan Promptly = TimeSpan.FromSeconds(1);

    [Fact]
    [Fault(9)]
    public async Task A_peer_to_peer_migration_goes_on_without_the_client_that_asked_for_it()
    {
        await using var crossing = await hosts.EnterAsync(output);
        await using var client = LongCommand.Start(
            crossing.From.Host, await crossing.Passage.MoveCommandAsync(crossing.From, crossing.To, ["--p2p", "--bandwidth", "2"]));
        await crossing.SendingAsync();
        PosixProcess.Signal(client.Pid, PosixSignal.Kill);
        await client.EndAsync();
        Assert.Contains("Outgoing migration", await crossing.From.Virsh.AskAsync("domjobinfo", crossing.Name), StringComparison.Ordinal);
        await crossing.From.Virsh.AskAsync("migrate-setspeed", crossing.Name, "1000");
        Assert.Same(crossing.To, await crossing.RunsAtAsync());
        await crossing.EndsAtAsync(crossing.To);
    }

    /// <summary>virsh drives all five phases and dies when it would have read the answer of one.</summary>
    [Theory]
    [Fault(10)]
    [InlineData("Begin")]
    [InlineData("Prepare")]
    [InlineData("Perform")]
    public async Task A_managed_client_that_dies_leaves_one_guest_running(string after)
    {
        await using var crossing = await hosts.EnterAsync(output);
        await using var source = new RpcProxy(crossing.From);
        await using var destination = new RpcProxy(crossing.To);
        var (proxy, procedure) = after switch
        {
            "Begin" => (source, RemoteProcedure.DomainMigrateBegin3Params),
            "Prepare" => (destination, RemoteProcedure.DomainMigratePrepare3Params),
            _ => (source, RemoteProcedure.DomainMigratePerform3Params),
        };
        var answer = proxy.Hold(RpcFrame.Reply(procedure));
        await using var client = LongCommand.Start(crossing.From.Host, Managed(crossing, source, destination));
        await answer.Fired.WaitAsync(Passage.Limit);
        PosixProcess.Signal(client.Pid, PosixSignal.Kill);
        await client.EndAsync();
        answer.Release();
        var runner = await crossing.RunsAtAsync();
        output.WriteLine($"after {after}: runs on {(runner == crossing.From ? "the source" : "the destination")}");
        if (after != "Perform")
            Assert.Same(crossing.From, runner);
        await crossing.EndsAtAsync(runner, again: after == "Perform");
    }

    /// <summary>The client believes that it failed, and tells the source to take the guest back. Stock does.</summary>
    [Theory]
    [Fault(11)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_managed_client_that_lost_its_destination_is_not_believed(bool commitArrives)
    {
        await using var crossing = await hosts.EnterAsync(output);
        await using var source = new RpcProxy(crossing.From);
        await using var destination = new RpcProxy(crossing.To);
        var cut = destination.CutAt(commitArrives ? RpcFrame.FinishReply : RpcFrame.FinishCall(), passes: false);
        var confirmed = source.Notice(RpcFrame.Call(RemoteProcedure.DomainMigrateConfirm3Params));
        var moved = await Command.RunAsync(crossing.From.Host.Enter(Managed(crossing, source, destination)), Passage.Limit);
        output.WriteLine(moved.Error.Trim());
        Assert.Equal((1, 1), (cut.Count, confirmed.Count));
        var runner = await crossing.RunsAtAsync();
        Assert.Same(commitArrives ? crossing.To : crossing.From, runner);
        await crossing.EndsAtAsync(runner);
    }

    [Fact]
    [Fault(14)]
    public async Task A_daemon_with_two_hundred_calls_at_hand_migrates_and_aborts_at_once()
    {
        await using var busy = new BusyHosts(); // nobody promises a bystander anything here
        await using var crossing = await busy.EnterAsync(output);
        await using var crowd = new Crowd(crossing.From, connections: 20, callsEach: 10);
        var moving = crossing.MoveAsync(flags: ["--bandwidth", "1"]);
        await crossing.SendingAsync();
        using var client = new PlainClient(crossing.From);
        var domain = client.Find(crossing.Name);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        client.Call(RemoteProcedure.DomainAbortJob, new DomainAbortJobArgs(domain));
        var took = System.Diagnostics.Stopwatch.GetElapsedTime(began);
        var aborted = await moving;
        Assert.Contains("operation aborted", aborted.Error, StringComparison.Ordinal);
        var moved = await crossing.MoveAsync();
        output.WriteLine($"abort answered in {took.TotalMilliseconds:0} ms; {crowd.Answered} other calls were answered");
        await crowd.DisposeAsync();
        await crossing.MovedAsync(moved);
        Assert.True(took < Promptly, $"AbortJob took {took.TotalMilliseconds:0} ms");
    }

    [Fact]
    [Fault(17)]
    public async Task A_link_that_breaks_again_and_again_leaves_no_connection_and_no_job_behind()
    {
        await using var crossing = await hosts.EnterAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var (before, beforeThere) = (Descriptors(crossing.From), Descriptors(crossing.To));
        var moving = crossing.MoveAsync(proxy.Uri, "--bandwidth", "1");
        await crossing.SendingAsync();
        for (var flap = 0; flap < 15; flap++)
        {
            var closed = proxy.Closed;
            proxy.Sever();
            proxy.Mend();
            await crossing.UntilAsync($"flap {flap}", () => proxy.Closed > closed && proxy.Connections > 0);
        }

        await crossing.From.Virsh.AskAsync("migrate-setspeed", crossing.Name, "1000");
        await crossing.MovedAsync(await moving);
        await crossing.UntilAsync("no connection is left", () => proxy.Connections == 0);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"descriptors: source {before} then {Descriptors(crossing.From)}, destination {beforeThere} then {Descriptors(crossing.To)}"));
        Assert.InRange(Descriptors(crossing.From), 0, before + 5);
        Assert.InRange(Descriptors(crossing.To), 0, beforeThere + 5);
    }

    [Theory]
    [Fault(18)]
    [InlineData("garbage")]
    [InlineData("too long")]
    [InlineData("another serial")]
    public async Task A_peer_that_talks_nonsense_is_as_one_that_is_gone(string nonsense)
    {
        await using var crossing = await hosts.EnterAsync(output);
        foreach (var phase in new[] { RemoteProcedure.DomainMigratePrepare3Params, RemoteProcedure.DomainMigrateFinish3Params })
        {
            await using var proxy = new RpcProxy(crossing.To, $"proxy-{phase}");
            proxy.Alter(RpcFrame.Reply(phase), bytes => Spoil(bytes, nonsense));
            var moved = await crossing.MoveAsync(proxy.Uri);
            if (phase == RemoteProcedure.DomainMigratePrepare3Params)
            {
                await crossing.StayedAsync(moved, proxy.Uri);
                Assert.InRange(proxy.Closed, 1, 3);
            }
            else
            {
                await crossing.MovedAsync(moved);
            }
        }
    }

    private static byte[] Spoil(byte[] bytes, string nonsense)
    {
        switch (nonsense)
        {
            case "garbage":
                bytes.AsSpan(RpcFrame.PayloadOffset).Fill(0xA5);
                break;
            case "too long":
                System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, 0x7FFF_FFFF);
                break;
            default:
                bytes[4 + 16] ^= 0x40;
                break;
        }

        return bytes;
    }

    private static string[] Managed(Crossing crossing, RpcProxy source, RpcProxy destination) =>
        ["virsh", "-q", "-c", source.Uri, "migrate", "--live", crossing.Name, destination.Uri];

    /// <summary>What connections, processes and timers cost. Not files: assemblies are opened when they are first needed.</summary>
    private static int Descriptors(DaemonRunner daemon) =>
        new DirectoryInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{daemon.Pid}/fd")).EnumerateFileSystemInfos()
            .Count(descriptor => descriptor.LinkTarget is { } target && target.Contains(":[", StringComparison.Ordinal));

    /// <summary>Clients that always have calls outstanding, on several connections.</summary>
    private sealed class Crowd : IAsyncDisposable
    {
        private readonly CancellationTokenSource _ending = new();
        private readonly List<Task> _asking = [];
        private int _answered;

        public Crowd(DaemonRunner daemon, int connections, int callsEach)
        {
            for (var connection = 0; connection < connections; connection++)
                _asking.Add(Task.Factory.StartNew(() => Ask(daemon, callsEach), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default));
        }

        public int Answered => Volatile.Read(ref _answered);

        public async ValueTask DisposeAsync()
        {
            await _ending.CancelAsync();
            await Task.WhenAll(_asking);
        }

        private void Ask(DaemonRunner daemon, int callsEach)
        {
            using var client = new PlainClient(daemon);
            while (!_ending.IsCancellationRequested)
                Interlocked.Add(ref _answered, client.Flood(RemoteProcedure.ConnectGetAllDomainStats, new ConnectGetAllDomainStatsArgs([], Stats: 0, Flags: 0), callsEach));
        }
    }

    private sealed class BusyHosts() : Crossings(new PassageOptions());

    public sealed class Hosts() : Crossings(new PassageOptions { Bystander = true });
}
