using Wherry.Errors;
using Wherry.Qemu.Process;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Process;

/// <summary>Requirements S4.1 to S4.13 with a simulated process and a clock of the test's own.</summary>
public sealed class ProcessTerminationTests
{
    private const int Term = 15;
    private const int Kill = 9;
    private const int Continue = 18;

    private readonly FakeProcess _process = new();
    private readonly ManualTimeProvider _time = new();
    private readonly ListLogger _log = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("req", "S4.2")]
    [Trait("req", "S4.3")]
    public async Task Forced_and_dying_of_SIGTERM_it_returns_at_once_without_SIGKILL()
    {
        var result = await Terminate(TerminationFlags.Force).Within();
        Assert.Equal(TerminationResult.Gone, result);
        Assert.Equal([Term], _process.Signals);
    }

    [Fact]
    [Trait("req", "S4.2")]
    [Trait("req", "S4.8")]
    public async Task Forced_and_deaf_to_SIGTERM_it_is_killed_after_ten_seconds_and_not_before()
    {
        _process.DiesOf = [Kill];
        var terminating = Terminate(TerminationFlags.Force);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal([Term, Continue], _process.Signals);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.Equal(TerminationResult.Gone, await terminating.Within());
        Assert.Equal([Term, Continue, Kill], _process.Signals);
        Assert.Equal($"Timed out waiting after SIGTERM to process {_process.Pid}, sending SIGKILL", Warning());
    }

    [Fact]
    [Trait("req", "S4.3")]
    public async Task It_returns_the_moment_the_process_ends()
    {
        _process.DiesOf = [];
        var terminating = Terminate(TerminationFlags.Force);
        _time.Advance(TimeSpan.FromSeconds(4));
        _process.End(new ExitStatus(0, Signal: null)); // Its disks are flushed.
        Assert.Equal(TerminationResult.Gone, await terminating.Within());
        Assert.Equal([Term, Continue], _process.Signals);
    }

    [Fact]
    [Trait("req", "S4.2")]
    [Trait("req", "S4.8")]
    public async Task Forced_and_unkillable_it_is_given_up_fifteen_seconds_after_the_start()
    {
        _process.DiesOf = [];
        var terminating = Terminate(TerminationFlags.Force);
        _time.Advance(TimeSpan.FromSeconds(10));
        await _time.WaitForTimerAsync(TimeSpan.FromSeconds(5)).Within();
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(terminating.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        var result = await terminating.Within();
        Assert.Equal(TerminationResult.StillAlive("KILL"), result);
        Assert.Equal($"Timed out waiting after SIGKILL to process {_process.Pid}", Warning());
        Assert.Contains("failed to kill qemu process with SIGKILL", Assert.Throws<WherryException>(result.ThrowUnlessEnded).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("req", "S4.1")]
    [Trait("req", "S4.8")]
    public async Task Graceful_never_kills_and_says_that_SIGTERM_did_not_do()
    {
        _process.DiesOf = [Kill];
        var terminating = Terminate(TerminationFlags.None);
        _time.Advance(TimeSpan.FromSeconds(15));
        var result = await terminating.Within();
        Assert.Equal([Term, Continue], _process.Signals);
        var error = Assert.Throws<WherryException>(result.ThrowUnlessEnded);
        Assert.Equal(ErrorCode.OperationFailed, error.Code);
        Assert.Equal("failed to kill qemu process with SIGTERM", error.Detail);
        Assert.Equal($"Timed out waiting after SIGTERM to process {_process.Pid}", Warning());
    }

    [Theory]
    [Trait("req", "S4.4")]
    [InlineData(TerminationFlags.NoWait, Term, Continue)]
    [InlineData(TerminationFlags.Force | TerminationFlags.NoWait, Kill)]
    public async Task Without_waiting_it_is_told_once_and_the_call_returns(TerminationFlags flags, params int[] signals)
    {
        _process.DiesOf = [];
        var result = await Terminate(flags).Within();
        Assert.Equal(TerminationResult.Signalled, result);
        Assert.Equal(signals, _process.Signals);
        result.ThrowUnlessEnded();
    }

    [Theory]
    [Trait("req", "S4.13")]
    [InlineData(TerminationFlags.None)]
    [InlineData(TerminationFlags.Force)]
    [InlineData(TerminationFlags.NoWait)]
    [InlineData(TerminationFlags.Force | TerminationFlags.NoWait)]
    public async Task A_process_that_is_gone_already_is_success(TerminationFlags flags)
    {
        _process.End(default);
        Assert.Equal(TerminationResult.Gone, await Terminate(flags).Within());
    }

    [Fact]
    [Trait("req", "S4.8")]
    [Trait("req", "S4.13")]
    public async Task A_signal_that_cannot_be_sent_is_failure_with_its_reason()
    {
        _process.SignalErrno = 1; // EPERM
        var result = await Terminate(TerminationFlags.Force).Within();
        Assert.Equal(TerminationOutcome.SignalFailed, result.Outcome);
        Assert.Equal(1, Assert.Throws<WherryException>(result.ThrowUnlessEnded).Errno);
        Assert.Equal($"Failed to terminate process {_process.Pid} with SIGTERM: Operation not permitted", Warning());
    }

    [Fact]
    [Trait("req", "S4.9")]
    public async Task The_attempt_is_logged_with_domain_process_and_flags()
    {
        await Terminate(TerminationFlags.Force).Within();
        Assert.Contains(_log.Lines, l => l.Text == $"vm=web1 pid={_process.Pid} flags=1");
    }

    [Fact]
    [Trait("req", "S4.2")]
    public async Task The_waits_can_be_configured()
    {
        _process.DiesOf = [];
        var terminating = Terminate(TerminationFlags.Force, new TerminationOptions { TermWait = TimeSpan.FromSeconds(2), KillWait = TimeSpan.FromSeconds(30) });
        _time.Advance(TimeSpan.FromSeconds(2));
        await _time.WaitForTimerAsync(TimeSpan.FromSeconds(30)).Within();
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(TerminationOutcome.StillAlive, (await terminating.Within()).Outcome);
    }

    [Fact]
    public async Task Cancelling_ends_the_wait_and_sends_nothing_more()
    {
        _process.DiesOf = [];
        using var cancel = new CancellationTokenSource();
        var terminating = new ProcessTermination(new TerminationOptions(), _time, _log).TerminateAsync("web1", _process, TerminationFlags.Force, cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => terminating.Within());
        Assert.Equal([Term, Continue], _process.Signals);
    }

    private Task<TerminationResult> Terminate(TerminationFlags flags, TerminationOptions? options = null) =>
        new ProcessTermination(options ?? new TerminationOptions(), _time, _log).TerminateAsync("web1", _process, flags, Ct);

    private string Warning() => _log.Lines.Last(l => l.Level == Microsoft.Extensions.Logging.LogLevel.Warning).Text;
}
