using System.Text.Json.Nodes;
using Wherry.Errors;
using Wherry.Qmp.GuestAgent;
using Wherry.Testing;

namespace Wherry.Qmp.Tests;

public sealed class AgentSessionTests : IAsyncDisposable
{
    private readonly FakeAgent _agent = new();
    private readonly ManualTimeProvider _time = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _agent.DisposeAsync();

    [Fact]
    public async Task A_command_goes_out_with_its_arguments_and_comes_back_with_what_it_returned()
    {
        await using var session = await ConnectAsync();
        _agent.Answer = _ => """{"return":[1,"two"]}""";
        var returned = await session.ExecuteAsync("guest-do", new JsonObject { ["how"] = "well" }, AgentPatience.Unlimited, "test", Ct).Within();
        Assert.Equal("""[1,"two"]""", returned.GetRawText());
        Assert.Equal("""{"execute":"guest-do","arguments":{"how":"well"}}""", await _agent.Heard.ReadAsync(Ct));
    }

    [Fact]
    public async Task A_refusal_carries_the_agents_own_words()
    {
        await using var session = await ConnectAsync();
        _agent.Answer = _ => """{"error":{"class":"CommandNotFound","desc":"The command guest-do has not been found"}}""";
        var refused = await FailAsync(session, AgentPatience.Unlimited);
        Assert.Equal(
            (ErrorCode.InternalError, "internal error: unable to execute QEMU agent command 'guest-do': The command guest-do has not been found"),
            (refused.Code, refused.Message));
    }

    [Fact]
    public async Task What_the_channel_holds_of_earlier_times_is_no_answer()
    {
        await using var session = await ConnectAsync();
        await session.ExecuteAsync("guest-ping", arguments: null, AgentPatience.Unlimited, "test", Ct).Within();
        _agent.Answer = _ => null;
        await FailInTimeAsync(session, new AgentPatience(3), seconds: 3);
        // The late answer, and half of another one.
        await _agent.SayAsync("{\"return\":\"late\"}\n{\"retu");
        _agent.Answer = _ => """{"return":"this"}""";
        var returned = await session.ExecuteAsync("guest-do", arguments: null, AgentPatience.Unlimited, "test", Ct).Within();
        Assert.Equal("this", returned.GetString());
    }

    [Theory]
    [InlineData(-1, 5)]
    [InlineData(-2, 5)]
    [InlineData(2, 2)]
    [InlineData(60, 5)]
    public async Task A_dead_agent_costs_its_caller_five_seconds_or_less(int patience, int seconds)
    {
        _agent.IsAlive = false;
        await using var session = await ConnectAsync();
        await FailInTimeAsync(session, new AgentPatience(patience), seconds);
    }

    [Fact]
    public async Task A_caller_that_does_not_wait_is_told_at_once()
    {
        await using var session = await ConnectAsync();
        var failed = await FailAsync(session, new AgentPatience(0));
        Assert.Equal("Guest agent is not responding: Guest agent not available for now", failed.Message);
    }

    [Fact]
    public async Task An_agent_that_goes_away_fails_the_command_and_the_session()
    {
        _agent.Answer = _ => null;
        await using var session = await ConnectAsync();
        var failing = FailAsync(session, AgentPatience.Unlimited);
        await _agent.Heard.ReadAsync(Ct);
        _agent.Disconnect();
        Assert.Equal(
            (ErrorCode.AgentUnresponsive, "Guest agent is not responding: Guest agent disappeared while executing command"),
            (await failing) is var failed ? (failed.Code, failed.Message) : default);
        Assert.True(session.IsLost);
    }

    [Fact]
    public async Task The_end_of_the_channel_is_the_success_of_a_last_command_and_nothing_else_is()
    {
        _agent.Answer = _ => null;
        await using (var session = await ConnectAsync())
        {
            var down = session.ExecuteLastAsync("guest-shutdown", new JsonObject { ["mode"] = "powerdown" }, AgentPatience.Unlimited, "test", Ct);
            Assert.Equal("""{"execute":"guest-shutdown","arguments":{"mode":"powerdown"}}""", await _agent.Heard.ReadAsync(Ct));
            Assert.False(down.IsCompleted);
            _agent.Disconnect();
            await down.Within();
            var gone = await Assert.ThrowsAsync<WherryException>(
                () => session.ExecuteLastAsync("guest-shutdown", [], AgentPatience.Unlimited, "test", Ct).Within());
            Assert.Equal(ErrorCode.AgentUnresponsive, gone.Code);
        }

        await using var other = await ConnectAsync();
        _agent.Answer = _ => """{"error":{"class":"CommandDisabled","desc":"not today"}}""";
        await Assert.ThrowsAsync<AgentCommandMissingException>(
            () => other.ExecuteLastAsync("guest-shutdown", [], AgentPatience.Unlimited, "test", Ct).Within());
    }

    [Fact]
    public async Task Callers_take_turns_and_one_that_waits_too_long_is_told_for_whom()
    {
        _agent.Answer = _ => null;
        await using var session = await ConnectAsync();
        var first = FailAsync(session, AgentPatience.Unlimited, "remoteDispatchFirst");
        await _agent.Heard.ReadAsync(Ct);
        var second = FailAsync(session, AgentPatience.Unlimited, "remoteDispatchSecond");
        await _time.WaitForTimerAsync(TimeSpan.FromSeconds(30));
        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(
            (ErrorCode.OperationTimeout, "Timed out during operation: cannot acquire state change lock (held by agent=remoteDispatchFirst)"),
            (await second) is var failed ? (failed.Code, failed.Message) : default);
        _agent.Disconnect();
        await first;
    }

    [Fact]
    public async Task A_guest_that_talks_without_end_is_left()
    {
        await using var session = await ConnectAsync(new AgentOptions { Owner = "test", TimeProvider = _time, MaxLineBytes = 1000 });
        _agent.Answer = _ => new string('x', 2000);
        Assert.Equal("internal error: No complete agent response found in 1000 bytes", (await FailAsync(session, AgentPatience.Unlimited)).Message);
        Assert.True(session.IsLost);
    }

    private Task<AgentSession> ConnectAsync(AgentOptions? options = null) =>
        AgentSession.ConnectAsync(_agent.Path, options ?? new AgentOptions { Owner = "test", TimeProvider = _time }, Ct).Within();

    private static Task<WherryException> FailAsync(AgentSession session, AgentPatience patience, string caller = "test") =>
        Assert.ThrowsAnyAsync<WherryException>(() => session.ExecuteAsync("guest-do", arguments: null, patience, caller, Ct)).Within();

    private async Task FailInTimeAsync(AgentSession session, AgentPatience patience, int seconds)
    {
        var failing = FailAsync(session, patience);
        await _time.WaitForTimerAsync(TimeSpan.FromSeconds(seconds));
        _time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        Assert.False(failing.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(
            (ErrorCode.AgentUnresponsive, "Guest agent is not responding: Guest agent not available for now"),
            (await failing) is var failed ? (failed.Code, failed.Message) : default);
    }
}
