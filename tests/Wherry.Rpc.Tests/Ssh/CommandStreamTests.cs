using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Errors;
using Wherry.Rpc.Client;
using Wherry.Rpc.Transports.Ssh;
using Wherry.Testing;

namespace Wherry.Rpc.Tests.Ssh;

public sealed class CommandStreamTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-ssh-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Bytes_go_through_the_program_and_its_plain_end_is_the_end_of_the_stream()
    {
        await using var stream = CommandStream.Start("head", ["-c", "3"], "bravo");
        await stream.WriteAsync("abc"u8.ToArray(), Ct);
        var buffer = new byte[16];
        await stream.ReadExactlyAsync(buffer.AsMemory(0, 3), Ct);
        Assert.Equal("abc"u8.ToArray(), buffer[..3]);
        Assert.Equal(0, await stream.ReadAsync(buffer.AsMemory(), Ct).AsTask().Within());
    }

    [Fact]
    public async Task What_it_complains_of_is_the_reason_and_only_the_end_of_much_is_kept()
    {
        await using var stream = CommandStream.Start("sh", ["-c", "seq 100000 >&2; echo the cause >&2; exit 255"], "bravo");
        var thrown = await Assert.ThrowsAsync<IOException>(() => stream.ReadAsync(new byte[16].AsMemory(), Ct).AsTask()).Within();
        Assert.EndsWith("100000; the cause: Connection reset by peer", thrown.Message, StringComparison.Ordinal);
        Assert.InRange(thrown.Message.Length, 100, 10_000);
    }

    /// <summary>As the background process of ssh's ControlPersist does.</summary>
    [Fact]
    public async Task A_process_that_is_left_behind_with_standard_error_holds_nobody_up()
    {
        var pid = Path.Combine(_directory, "pid");
        await using var stream = CommandStream.Start("sh", ["-c", $"sleep 60 >/dev/null & echo $! > '{pid}'"], "bravo");
        Assert.Equal(0, await stream.ReadAsync(new byte[16].AsMemory(), Ct).AsTask().Within());
        System.Diagnostics.Process.GetProcessById(int.Parse(await File.ReadAllTextAsync(pid, Ct), System.Globalization.CultureInfo.InvariantCulture)).Kill();
    }

    [Fact]
    public async Task Waiting_can_be_cancelled_and_disposing_ends_the_program()
    {
        var stream = CommandStream.Start("sleep", ["60"], "bravo");
        using var cancel = new CancellationTokenSource();
        var reading = stream.ReadAsync(new byte[16].AsMemory(), cancel.Token).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading).Within();
        await stream.DisposeAsync().AsTask().Within();
    }

    [Fact]
    [Trait("req", "S2.5")]
    public async Task A_connection_that_ssh_cannot_make_says_who_was_asked_and_what_ssh_said()
    {
        var ssh = Path.Combine(_directory, "ssh");
        await File.WriteAllTextAsync(ssh, "#!/bin/sh\necho 'ssh: connect to host bravo port 22: No route to host' >&2\nexit 255\n", Ct);
        File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync($"qemu+ssh://alice@bravo/system?command={ssh}")).Within();
        Assert.Equal((ErrorCode.SystemError, ErrorDomain.Rpc), (thrown.Code, thrown.Domain));
        Assert.Contains("unable to connect to server at 'alice@bravo': Cannot ", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("ssh: connect to host bravo port 22: No route to host: Connection reset by peer", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_ssh_is_named()
    {
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync("qemu+ssh://bravo/system?command=/no/such/ssh")).Within();
        Assert.Equal((ErrorCode.SystemError, ErrorDomain.Rpc, 2), (thrown.Code, thrown.Domain, thrown.Errno));
        Assert.Contains("Cannot run '/no/such/ssh' to reach 'bravo'", thrown.Message, StringComparison.Ordinal);
    }

    private static Task<ClientConnection> ConnectAsync(string uri) =>
        ClientConnection.ConnectAsync(RpcEndpoint.Parse(uri), new ClientConnectionOptions(), TimeProvider.System, NullLogger.Instance, Ct);
}
