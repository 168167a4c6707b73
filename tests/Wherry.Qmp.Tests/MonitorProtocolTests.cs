using System.Net.Sockets;
using System.Text;
using Wherry.Errors;
using Wherry.Qmp.Commands;
using Wherry.Testing;

namespace Wherry.Qmp.Tests;

/// <summary>What a peer may send that no QEMU should: the test writes the bytes itself.</summary>
public sealed class MonitorProtocolTests : IDisposable
{
    private const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""}, "capabilities": []}}""" + "\r\n";

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Socket _ours = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ManualTimeProvider _time = new();
    private readonly ListLogger _log = new();
    private readonly Socket _theirs;

    public MonitorProtocolTests()
    {
        var address = new UnixDomainSocketEndPoint($"\0wherry-{Guid.NewGuid()}");
        _listener.Bind(address);
        _listener.Listen(1);
        _ours.Connect(address);
        _theirs = _listener.Accept();
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _listener.Dispose();
        _theirs.Dispose();
        _ours.Dispose();
    }

    [Fact]
    public async Task A_silent_peer_fails_at_the_connect_deadline_and_the_state_it_hung_in_is_named()
    {
        var connecting = MonitorSession.AttachAsync(_ours, Options, Ct);
        _time.Advance(TimeSpan.FromSeconds(30));
        var error = await Assert.ThrowsAsync<WherryException>(() => connecting.Within());
        Assert.Equal(ErrorCode.OperationTimeout, error.Code);
        Assert.Contains("'Greeting'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_that_ends_before_its_greeting_fails_the_connect_at_once()
    {
        var connecting = MonitorSession.AttachAsync(_ours, Options, Ct);
        _theirs.Dispose();
        await Assert.ThrowsAsync<MonitorClosedException>(() => connecting.Within());
    }

    [Fact]
    public async Task Without_the_oob_capability_none_is_asked_for()
    {
        await using var monitor = await AttachAsync();
        Assert.False(monitor.OutOfBand);
    }

    [Fact]
    public async Task A_reply_with_an_unknown_id_and_a_message_of_no_kind_are_dropped_and_logged()
    {
        await using var monitor = await AttachAsync();
        var status = monitor.ExecuteAsync(new QueryStatus(), Ct);
        var id = await ReadIdAsync();
        await SendAsync("""{"return": {}, "id": "libvirt-4711"}""" + "\n");
        await SendAsync("""{"return": {}}""" + "\n\r\n");
        await SendAsync("""{"surprise": 1}""" + "\n");
        await SendAsync($$$"""{"return": {"running": true, "status": "running"}, "id": "{{{id}}}"}""" + "\n");
        Assert.True((await status.Within()).Running);
        Assert.Equal([2003, 2003, 2007], _log.Lines.Select(l => l.Id).Where(i => i is 2003 or 2007));
    }

    [Fact]
    public async Task A_line_is_put_together_from_any_pieces_and_one_read_may_hold_several()
    {
        await using var monitor = await AttachAsync();
        foreach (var b in Encoding.UTF8.GetBytes("""{"event": "STOP", "timestamp": {"seconds": 5, "microseconds": 6}}""" + "\r\n"))
        {
            await _theirs.SendAsync(new[] { b }, Ct);
        }

        await SendAsync("""{"event": "RESUME", "timestamp": {"seconds": 5, "microseconds": 7}}""" + "\n" + """{"event": "STOP"}""" + "\n");
        Assert.Equal("STOP", (await monitor.Events.ReadAsync(Ct).AsTask().Within()).Name);
        Assert.Equal(new QmpTimestamp(5, 7), (await monitor.Events.ReadAsync(Ct).AsTask().Within()).Timestamp);
        Assert.Equal("STOP", (await monitor.Events.ReadAsync(Ct).AsTask().Within()).Name);
    }

    [Theory]
    [InlineData("this is not JSON\n")]
    [InlineData("""{"event": 1}""" + "\n")]
    [InlineData("{\"event\": \"STOP\", \"timestamp\": {\"seconds\": \"x\", \"microseconds\": 1}}\n")]
    public async Task A_line_that_is_not_QMP_ends_the_connection(string line)
    {
        await using var monitor = await AttachAsync();
        await SendAsync(line);
        Assert.Contains("not QMP", (await monitor.Closed.Within()).Message, StringComparison.Ordinal);
        Assert.False(await monitor.Events.WaitToReadAsync(Ct));
    }

    [Fact]
    public async Task A_line_over_the_limit_ends_the_connection()
    {
        await using var monitor = await AttachAsync(Options with { MaxLineBytes = 100_000 });
        await SendAsync("{\"event\": \"" + new string('x', 100_001));
        Assert.Contains("longer than 100000 bytes", (await monitor.Closed.Within()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_line_just_within_the_limit_is_read()
    {
        await using var monitor = await AttachAsync(Options with { MaxLineBytes = 100_000 });
        var name = new string('x', 99_900);
        await SendAsync($$"""{"event": "{{name}}"}""" + "\n");
        Assert.Equal(name, (await monitor.Events.ReadAsync(Ct).AsTask().Within()).Name);
    }

    private MonitorOptions Options => new() { Owner = "web1", TimeProvider = _time, Logger = _log };

    private async Task<MonitorSession> AttachAsync(MonitorOptions? options = null)
    {
        var attaching = MonitorSession.AttachAsync(_ours, options ?? Options, Ct);
        await SendAsync(Greeting);
        await SendAsync($$"""{"return": {}, "id": "{{await ReadIdAsync()}}"}""" + "\r\n");
        return await attaching.Within();
    }

    private async Task<string> ReadIdAsync()
    {
        var buffer = new byte[4096];
        var line = Encoding.UTF8.GetString(buffer, 0, await _theirs.ReceiveAsync(buffer, Ct).AsTask().Within());
        Assert.DoesNotContain("oob", line, StringComparison.Ordinal);
        return line.Split("\"id\":\"")[1].Split('"')[0];
    }

    private async Task SendAsync(string text)
    {
        for (var rest = (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(text); !rest.IsEmpty;)
        {
            rest = rest[await _theirs.SendAsync(rest, Ct)..];
        }
    }
}
