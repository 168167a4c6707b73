using Wherry.Rpc.Transports;
using Wherry.Testing.Rpc;
using Wherry.Wire.Frames;

namespace Wherry.Rpc.Tests;

/// <summary>Error replies are compared with what libvirtd 9.0.0 answered to the same frames.</summary>
public class DispatchTests
{
    private const uint Remote = 0x2000_8086;

    [Theory]
    [InlineData(Remote + 100, 2, 1, "Cannot find program 536903914 version 2")]
    [InlineData(0xF000_8086, 7, 1, "Cannot find program -268402554 version 7")]
    [InlineData(0x6b65_6570, 1, 1, "Cannot find program 1801807216 version 1")]
    [InlineData(TestProgram.Number, 9, 1, "Cannot find program 32343 version 9")]
    [InlineData(TestProgram.Number, 1, 9999, "unknown procedure: 9999")]
    [InlineData(TestProgram.Number, 1, -3, "unknown procedure: -3")]
    [InlineData(TestProgram.Number, 1, 0, "unknown procedure: 0")]
    public async Task An_unknown_program_version_or_procedure_gets_libvirts_error_and_the_connection_stays(
        uint program, uint version, int procedure, string text)
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Frame(new MessageHeader(program, version, procedure, MessageType.Call, 5, MessageStatus.Ok)));

        var (header, payload) = await client.ExpectAsync();
        Assert.Equal(new MessageHeader(program, version, procedure, MessageType.Reply, 5, MessageStatus.Error), header);
        var error = RawClient.Decode<RemoteError>(payload);
        Assert.Equal((39, 7, text), error.Brief());
        Assert.Equal(("%s", text, null, -1, -1), (error.Str1, error.Str2, error.Str3, error.Int1, error.Int2));
        await client.ExpectAliveAsync();
    }

    [Theory]
    [InlineData(MessageStatus.Error, "Unexpected message status 1")]
    [InlineData(MessageStatus.Continue, "Unexpected message status 2")]
    public async Task A_call_with_a_status_is_refused_as_libvirt_does(MessageStatus status, string text)
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Frame(
            new MessageHeader(TestProgram.Number, TestProgram.Version, TestProgram.Echo, MessageType.Call, 5, status), RawClient.Int(1)));
        Assert.Equal((39, 7, text), (await client.ExpectErrorAsync(5)).Brief());
        await client.ExpectAliveAsync();
    }

    [Theory]
    [InlineData(MessageType.Reply)]
    [InlineData(MessageType.Message)]
    [InlineData(MessageType.Stream)]
    [InlineData(MessageType.StreamHole)]
    public async Task Messages_that_nobody_asked_for_are_dropped_in_silence(MessageType type)
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        foreach (var program in (uint[])[TestProgram.Number, Remote])
            await client.SendAsync(RawClient.Frame(new MessageHeader(program, 1, TestProgram.Echo, type, 5, MessageStatus.Ok), RawClient.Int(1)));
        await client.ExpectAliveAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(8)]
    public async Task Arguments_that_are_too_short_or_too_long_are_refused_and_the_connection_stays(int length)
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Frame(
            new MessageHeader(TestProgram.Number, TestProgram.Version, TestProgram.Echo, MessageType.Call, 5, MessageStatus.Ok), new byte[length]));
        Assert.Equal((39, 7, "Unable to decode message payload"), (await client.ExpectErrorAsync(5)).Brief());
        await client.ExpectAliveAsync();
    }

    [Fact]
    public async Task An_expected_failure_keeps_its_code_domain_and_words()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Fail, 5, argument: 17));
        Assert.Equal((42, 10, "Domain not found: no domain with matching name '17'"), (await client.ExpectErrorAsync(5)).Brief());
    }

    [Theory]
    [InlineData(TestProgram.Crash)]
    [InlineData(TestProgram.Mute)]
    public async Task Our_own_mistake_is_an_internal_error_without_its_details_which_the_log_has(int procedure)
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(procedure, 5, argument: 17));
        var error = await client.ExpectErrorAsync(5);
        Assert.Equal(1, (int)error.Code);
        Assert.StartsWith($"internal error: procedure {procedure} failed: see the daemon's log for serial 5", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.Contains(server.Logger.Lines, line => line.Id == 1022);
        await client.ExpectAliveAsync();
    }

    [Fact]
    public async Task A_full_disk_is_told_as_the_hosts_condition()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Overflow, 5, argument: 17));
        Assert.Equal((38, 10, "No space left on device : 'web1.xml'"), (await client.ExpectErrorAsync(5)).Brief());
        Assert.Contains(server.Logger.Lines, line => line.Id == 1023);
        Assert.DoesNotContain(server.Logger.Lines, line => line.Id == 1022);
        await client.ExpectAliveAsync();
    }

    [Fact]
    public async Task A_read_only_listener_allows_looking_and_refuses_changing_in_libvirts_words()
    {
        await using var server = new TestServer(listener: new InMemoryListener { IsReadOnly = true });
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Change, 5, argument: 1));
        Assert.Equal((29, 20, "operation forbidden: read only access prevents virDomainChange"), (await client.ExpectErrorAsync(5)).Brief());
        await client.ExpectAliveAsync();
    }

    [Fact]
    public async Task A_session_that_restricted_itself_can_no_longer_change_anything()
    {
        await using var server = new TestServer();
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Change, 5, argument: 1));
        await client.ExpectNumberAsync(5, 1);
        server.Program.Sessions.Single().RestrictToReadOnly();
        await client.SendAsync(RawClient.Call(TestProgram.Change, 6, argument: 1));
        Assert.Equal(29, (int)(await client.ExpectErrorAsync(6)).Code);
    }

    [Theory]
    [InlineData(0u, true)]
    [InlineData(4_000_123_456u, false)]
    [InlineData(null, false)]
    public async Task Peer_credentials_admit_root_and_ourselves_and_others_only_to_authenticate(uint? uid, bool admitted)
    {
        var peer = uid is null ? new PeerIdentity("192.0.2.1:1234") : new PeerIdentity("127.0.0.1:0", Pid: 1, uid, Gid: 1);
        await using var server = new TestServer(listener: new InMemoryListener { Auth = AuthScheme.PeerCredentials, Peer = peer });
        await using var client = server.Connect();
        await client.SendAsync(RawClient.Call(TestProgram.Greet, 4, argument: 9));
        await client.ExpectNumberAsync(4, 9);
        await client.SendAsync(RawClient.Call(TestProgram.Echo, 5, argument: 1));
        if (admitted) await client.ExpectNumberAsync(5, 1);
        else Assert.Equal((39, 7, "authentication required"), (await client.ExpectErrorAsync(5)).Brief());
    }
}
