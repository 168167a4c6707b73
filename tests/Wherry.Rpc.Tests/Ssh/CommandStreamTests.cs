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
        Assert.EndsWith("100000; the cause: Input/output error", thrown.Message, StringComparison.Ordinal);
        Assert.InRange(thrown.Message.Length, 100, 10_000);
    }

    /// <summary>As the background process of ssh's ControlPersist does, or an ssh that was started by a script without exec.</summary>
    [Theory]
    [InlineData("sleep 60 >/dev/null & echo $! > '{0}'; echo up", true)]
    [InlineData("sleep 60 & echo $! > '{0}'; echo up; read x", false)]
    [InlineData("sleep 60 & echo $! > '{0}'; trap : TERM; echo up; while :; do read x || sleep 1; done", false)]
    public async Task A_process_that_is_left_behind_with_its_outputs_holds_nobody_up(string script, bool ends)
    {
        var pid = Path.Combine(_directory, "pid");
        var stream = CommandStream.Start("sh", ["-c", string.Format(System.Globalization.CultureInfo.InvariantCulture, script, pid)], "bravo");
        var up = new byte[3];
        await stream.ReadExactlyAsync(up, Ct).AsTask().Within();
        if (ends)
            Assert.Equal(0, await stream.ReadAsync(up.AsMemory(), Ct).AsTask().Within());
        await stream.DisposeAsync().AsTask().Within();
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
        Assert.Contains("unable to connect to server at 'alice@bravo': ", thrown.Message, StringComparison.Ordinal);
        Assert.Contains("ssh: connect to host bravo port 22: No route to host", thrown.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/no/such/ssh")]
    [InlineData("no-such-ssh")]
    [InlineData("/tmp")]
    [InlineData("/etc/passwd")]
    public async Task An_ssh_that_cannot_be_run_is_named(string command)
    {
        var thrown = await Assert.ThrowsAsync<WherryException>(() => ConnectAsync($"qemu+ssh://bravo/system?command={command}")).Within();
        Assert.Equal((ErrorCode.SystemError, ErrorDomain.Rpc, 2), (thrown.Code, thrown.Domain, thrown.Errno));
        Assert.Contains($"Cannot run '{command}' to reach 'bravo'", thrown.Message, StringComparison.Ordinal);
    }

    /// <summary>Where a daemon was started in the foreground, anybody may have put an "ssh".</summary>
    [Fact]
    public void A_program_of_the_current_directory_is_not_taken_for_one_of_PATH()
    {
        var name = $"wherry-{Guid.NewGuid():N}";
        var here = Path.Combine(AppContext.BaseDirectory, name);
        File.WriteAllText(here, "#!/bin/sh\n");
        File.SetUnixFileMode(here, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        try
        {
            Assert.Throws<WherryException>(() => CommandStream.Start(name, [], "bravo"));
        }
        finally
        {
            File.Delete(here);
        }
    }

    private static Task<ClientConnection> ConnectAsync(string uri) =>
        ClientConnection.ConnectAsync(RpcEndpoint.Parse(uri), new ClientConnectionOptions(), TimeProvider.System, NullLogger.Instance, Ct);
}
