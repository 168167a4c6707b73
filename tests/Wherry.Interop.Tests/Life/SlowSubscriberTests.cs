using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Life;

/// <summary>A client that subscribes and does not read: the daemon does not wait for it, and closes its connection with the reason in the log.</summary>
[Collection(nameof(OneAtATime))]
public sealed class SlowSubscriberTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    [Trait("layer", "interop")]
    public async Task A_client_that_does_not_read_its_events_is_cut_off_and_slows_nobody()
    {
        Assert.SkipWhen(TestHost.IsolationMissing is not null, TestHost.IsolationMissing ?? "");
        await using var lone = await LoneHost.StartAsync((host, port) => new Wherryd(host, port));
        await lone.Virsh.RunWithXmlAsync("define", new FirmwareDomain("chatty").Xml).Checked();
        await using var silent = Listen(lone);
        await using var attentive = Listen(lone);
        foreach (var client in new[] { silent, attentive })
            Assert.True(await client.WaitAsync(lines => lines.Contains("ready"), Limit));

        PosixProcess.Signal(silent.Pid, PosixSignal.Stop);
        try
        {
            // 200 events of 60 KB are three times what may wait for one client.
            var script = Path.Combine(Repository.Root, "tests/data/python/events.py");
            var talk = await Command.RunAsync(lone.Daemon.Host.Enter(["/usr/bin/python3", script, lone.Daemon.Uri, "talk", "chatty", "200"])).Checked();
            Assert.True(await attentive.WaitAsync(lines => lines.Contains("heard 200"), Limit), string.Join('\n', attentive.Lines));
            Assert.True(talk.Elapsed < Limit, talk.ToString());
            Assert.Contains("does not read its events", lone.Daemon.LogTail(1000), StringComparison.Ordinal);
        }
        finally
        {
            PosixProcess.Signal(silent.Pid, PosixSignal.Continue);
        }

        Assert.True(await silent.WaitAsync(lines => lines.Contains("closed"), Limit), string.Join('\n', silent.Lines));
        Assert.DoesNotContain("heard 200", silent.Lines);
    }

    private static LongCommand Listen(LoneHost lone) => LongCommand.Start(
        lone.Daemon.Host, ["/usr/bin/python3", "-u", Path.Combine(Repository.Root, "tests/data/python/events.py"), lone.Daemon.Uri, "listen", "chatty", "200"]);
}
