using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Process;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Process;

/// <summary>Real processes, shells mostly: they stand in for QEMU where only signals, descriptors and ends matter.</summary>
public sealed class ProcessSupervisorTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("wherry-test-");
    private readonly ListLogger _log = new();
    private readonly ProcessSupervisor _supervisor;

    public ProcessSupervisorTests() => _supervisor = new ProcessSupervisor(_log);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string LogPath => Path.Combine(_directory.FullName, "web1.log");

    public void Dispose()
    {
        _supervisor.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task The_exit_code_of_a_child_is_told_and_no_zombie_stays()
    {
        var process = Start("exit 7");
        Assert.Equal(new ExitStatus(7, Signal: null), await process.Exited.Within());
        Assert.False(Directory.Exists($"/proc/{process.Pid}"));
    }

    [Fact]
    public async Task The_signal_that_ended_a_child_is_told()
    {
        var process = Start("kill -9 $$");
        Assert.Equal(new ExitStatus(Code: null, 9), await process.Exited.Within());
    }

    [Fact]
    public async Task Many_children_that_end_at_once_are_all_told()
    {
        var processes = Enumerable.Range(0, 40).Select(i => Start($"exit {i}")).ToList();
        var statuses = await Task.WhenAll(processes.Select(p => p.Exited)).Within();
        Assert.Equal(Enumerable.Range(0, 40), statuses.Select(s => s.Code ?? -1));
    }

    [Fact]
    public async Task Output_of_both_streams_is_appended_to_the_log()
    {
        await File.WriteAllTextAsync(LogPath, "before\n", Ct);
        await Start("echo out; echo err >&2").Exited.Within();
        Assert.Equal("before\nout\nerr\n", await File.ReadAllTextAsync(LogPath, Ct));
    }

    [Fact]
    public async Task The_child_leads_a_session_of_its_own_with_default_signals_and_no_input()
    {
        // .NET itself ignores SIGPIPE, and that would be inherited: bit 12 of SigIgn.
        await Start("cat; cut -d' ' -f6 /proc/$$/stat; echo $$; grep -E 'SigIgn|SigBlk' /proc/$$/status | cut -f2").Exited.Within();
        var lines = await File.ReadAllLinesAsync(LogPath, Ct);
        Assert.Equal(lines[1], lines[0]); // session id = pid
        Assert.Equal("0000000000000000", lines[2]);
        Assert.Equal(0u, Convert.ToUInt64(lines[3], 16) & ~0x180000000u); // glibc keeps its own two, 32 and 33, to itself.
    }

    [Fact]
    public async Task The_child_has_its_inherited_descriptors_under_their_numbers_and_no_others()
    {
        using var passed = File.OpenHandle(Path.Combine(_directory.FullName, "passed"), FileMode.Create, FileAccess.ReadWrite);
        var fd = (int)passed.DangerousGetHandle();
        var process = _supervisor.Start(new ProcessStart
        {
            Executable = "/bin/sh",
            Arguments = ["-c", $"ls /proc/$$/fd; echo hello >/proc/$$/fd/{fd}"],
            LogPath = LogPath,
            InheritedFds = [passed],
        });
        Assert.Equal(0, (await process.Exited.Within()).Code);
        var open = (await File.ReadAllLinesAsync(LogPath, Ct)).Select(int.Parse);
        Assert.Equal([0, 1, 2, fd], open.Order());
        Assert.Equal("hello\n", await File.ReadAllTextAsync(Path.Combine(_directory.FullName, "passed"), Ct));
    }

    [Fact]
    public async Task The_environment_is_the_one_that_was_given()
    {
        var process = _supervisor.Start(new ProcessStart
        {
            Executable = "/usr/bin/env",
            Arguments = [],
            LogPath = LogPath,
            Environment = ImmutableDictionary<string, string>.Empty.Add("LC_ALL", "C").Add("NAME", "wéb 1"),
        });
        await process.Exited.Within();
        Assert.Equal(["LC_ALL=C", "NAME=wéb 1"], (await File.ReadAllLinesAsync(LogPath, Ct)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_held_process_runs_when_it_is_let_go_as_the_process_that_it_was()
    {
        var (process, gate) = _supervisor.StartHeld(Echo());
        using (gate)
        {
            await File.AppendAllTextAsync(LogPath, "arranged\n", Ct);
            gate.Open();
            Assert.Equal(0, (await process.Exited.Within()).Code);
        }
        Assert.Equal(["arranged", $"{process.Pid} a b", "/dev/null"], await File.ReadAllLinesAsync(LogPath, Ct));
    }

    [Fact]
    public async Task A_held_process_that_nobody_lets_go_ends_without_having_run()
    {
        var (process, gate) = _supervisor.StartHeld(Echo());
        gate.Dispose();
        Assert.NotEqual(0, (await process.Exited.Within()).Code);
        Assert.Equal("", await File.ReadAllTextAsync(LogPath, Ct));
    }

    private ProcessStart Echo() => new()
    {
        Executable = "/bin/sh",
        Arguments = ["-c", "echo \"$$ $1\"; readlink /proc/$$/fd/0", "sh", "a b"],
        LogPath = LogPath,
    };

    [Fact]
    public void An_executable_that_cannot_run_is_a_system_error_naming_it()
    {
        var error = Assert.Throws<WherryException>(() => _supervisor.Start(new ProcessStart { Executable = "/nonexistent/qemu", Arguments = [], LogPath = LogPath }));
        Assert.Equal(ErrorCode.SystemError, error.Code);
        Assert.Equal(2, error.Errno);
        Assert.Contains("/nonexistent/qemu", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("req", "S4.2")]
    public async Task A_real_process_that_ignores_SIGTERM_is_killed()
    {
        var process = Start("trap '' TERM; echo ready; while :; do sleep 1; done");
        await LogContainsAsync("ready");
        var options = new TerminationOptions { TermWait = TimeSpan.FromMilliseconds(200) };
        var result = await new ProcessTermination(options, TimeProvider.System, _log).TerminateAsync("web1", process, TerminationFlags.Force, Ct).Within();
        Assert.Equal(TerminationResult.Gone, result);
        Assert.Equal(new ExitStatus(Code: null, 9), await process.Exited);
    }

    [Fact]
    [Trait("req", "S4.13")]
    public async Task Signalling_a_process_that_has_ended_says_already_gone()
    {
        var process = Start("exit 0");
        await process.Exited.Within();
        Assert.True(process.Signal(15).AlreadyGone);
    }

    [Fact]
    public async Task A_process_of_an_earlier_daemon_is_adopted_and_its_end_is_seen()
    {
        var uuid = Guid.NewGuid();
        var process = Start("echo ready; while :; do sleep 1; done", "-uuid", uuid.ToString());
        await LogContainsAsync("ready");
        using var later = new ProcessSupervisor(_log);
        var adopted = later.Adopt(process.Pid, process.StartTime, uuid);
        Assert.NotNull(adopted);
        Assert.True(adopted.Signal(9).Delivered);
        await adopted.Exited.Within();
        await process.Exited.Within();
        Assert.Null(later.Adopt(process.Pid, process.StartTime, uuid));
    }

    [Fact]
    [Fault(35)]
    public async Task A_process_that_got_the_pid_later_is_neither_adopted_nor_killed()
    {
        var uuid = Guid.NewGuid();
        var process = Start("echo ready; while :; do sleep 1; done", "-uuid", uuid.ToString());
        await LogContainsAsync("ready");
        Assert.Null(_supervisor.Adopt(process.Pid, process.StartTime + 1, uuid)); // started at another time
        Assert.Null(_supervisor.Adopt(process.Pid, process.StartTime, Guid.NewGuid())); // another domain's
        Assert.False(process.Exited.IsCompleted);
        Assert.True(process.Signal(9).Delivered); // still there
        await process.Exited.Within();
    }

    [Fact]
    [Trait("req", "S4.5")]
    [Trait("req", "S4.7")]
    public async Task Others_are_ended_at_once_while_one_is_deaf()
    {
        var time = new ManualTimeProvider();
        var termination = new ProcessTermination(new TerminationOptions(), time, _log);
        var deaf = new FakeProcess { DiesOf = [] };
        var stuck = termination.TerminateAsync("stuck", deaf, TerminationFlags.Force, Ct);
        for (var i = 0; i < 20; i++)
        {
            var other = Start("echo ready; exec sleep 60");
            Assert.Equal(TerminationResult.Gone, await termination.TerminateAsync("other", other, TerminationFlags.Force, Ct).Within());
        }

        Assert.False(stuck.IsCompleted);
        deaf.End(default);
        Assert.Equal(TerminationResult.Gone, await stuck.Within());
    }

    [Fact]
    public async Task The_end_of_the_log_tells_why_a_start_failed_without_what_stood_there_before()
    {
        await File.WriteAllTextAsync(LogPath, "an earlier failure\n", Ct);
        var mark = LogTail.Mark(LogPath);
        await Start("for i in $(seq 1 30); do echo line $i; done; echo 'qemu: -device foo: no such device' >&2; exit 1").Exited.Within();
        var tail = LogTail.Read(LogPath, mark).Split('\n');
        Assert.Equal(LogTail.MaxLines, tail.Length);
        Assert.Equal("qemu: -device foo: no such device", tail[^1]);
        Assert.DoesNotContain("an earlier failure", LogTail.Read(LogPath, mark), StringComparison.Ordinal);
        Assert.Equal("", LogTail.Read("/nonexistent/log", 0));
    }

    private QemuProcess Start(string script, params string[] arguments) =>
        _supervisor.Start(new ProcessStart { Executable = "/bin/sh", Arguments = ["-c", script, "sh", .. arguments], LogPath = LogPath });

    /// <summary>Waits until the shell has got as far as that, told by the kernel.</summary>
    private async Task LogContainsAsync(string text)
    {
        using var watcher = new FileSystemWatcher(_directory.FullName) { EnableRaisingEvents = true };
        var changed = new SemaphoreSlim(0);
        watcher.Changed += (_, _) => changed.Release();
        while (!(File.Exists(LogPath) && (await File.ReadAllTextAsync(LogPath, Ct)).Contains(text, StringComparison.Ordinal)))
            await changed.WaitAsync(Ct).Within();
    }
}
