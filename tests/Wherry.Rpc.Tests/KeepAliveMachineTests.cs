using Wherry.Rpc.KeepAlive;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;

namespace Wherry.Rpc.Tests;

public class KeepAliveMachineTests
{
    private static readonly TimeSpan Interval = S(5);

    [Fact]
    [Trait("req", "S2.26")]
    public void Five_seconds_and_count_five_ask_five_times_and_give_up_after_thirty_seconds()
    {
        var machine = new KeepAliveMachine(Interval, count: 5, S(100));
        machine.Start(S(100));
        var log = new List<string>();
        for (var now = S(100); machine.IsRunning; now += S(1)) Note(log, machine, now);
        Assert.Equal(["105 SendPing", "110 SendPing", "115 SendPing", "120 SendPing", "125 SendPing", "130 GiveUp"], log);
    }

    [Fact]
    [Trait("req", "S2.24")]
    public void Count_zero_gives_up_after_one_interval_without_asking()
    {
        var machine = new KeepAliveMachine(Interval, count: 0, S(0));
        machine.Start(S(0));
        Assert.Equal(KeepAliveAction.None, machine.Trigger(S(4.9)));
        Assert.Equal(KeepAliveAction.GiveUp, machine.Trigger(S(5)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [Trait("req", "S2.24")]
    public void An_interval_of_zero_or_minus_one_never_sends_and_never_gives_up(int seconds)
    {
        var machine = new KeepAliveMachine(S(seconds), count: 5, S(0));
        Assert.False(machine.Start(S(0)));
        Assert.Null(machine.Timeout(S(0)));
        Assert.Equal(KeepAliveAction.None, machine.Trigger(S(1_000_000)));
    }

    [Fact]
    public void Any_received_byte_puts_the_countdown_back_to_its_beginning()
    {
        var machine = new KeepAliveMachine(Interval, count: 2, S(0));
        machine.Start(S(0));
        Assert.Equal(KeepAliveAction.SendPing, machine.Trigger(S(5)));
        Assert.Equal(KeepAliveAction.SendPing, machine.Trigger(S(10)));
        Assert.Equal(0, machine.CountToDeath);
        machine.Received(S(14.9));
        Assert.Equal(2, machine.CountToDeath);
        Assert.Equal(KeepAliveAction.None, machine.Trigger(S(15)));
        Assert.Equal(Interval, machine.Timeout(S(14.9)));
        Assert.Equal(KeepAliveAction.SendPing, machine.Trigger(S(19.9)));
    }

    [Fact]
    public void A_peer_that_was_silent_before_the_start_is_asked_at_once()
    {
        var machine = new KeepAliveMachine(Interval, count: 1, S(0));
        machine.Start(S(60));
        Assert.Equal(TimeSpan.Zero, machine.Timeout(S(60)));
        Assert.Equal(KeepAliveAction.SendPing, machine.Trigger(S(60)));
        Assert.Equal(KeepAliveAction.GiveUp, machine.Trigger(S(65)));
    }

    [Fact]
    public void A_silent_peer_that_may_not_be_asked_still_gets_one_interval()
    {
        var machine = new KeepAliveMachine(Interval, count: 0, S(0));
        machine.Start(S(60));
        Assert.Equal(KeepAliveAction.None, machine.Trigger(S(60)));
        Assert.Equal(KeepAliveAction.GiveUp, machine.Trigger(S(65)));
    }

    [Fact]
    public void After_stop_nothing_is_due()
    {
        var machine = new KeepAliveMachine(Interval, count: 5, S(0));
        machine.Start(S(0));
        machine.Stop();
        Assert.Null(machine.Timeout(S(3)));
        Assert.Equal(KeepAliveAction.None, machine.Trigger(S(100)));
    }

    [Fact]
    public void Whatever_the_silence_is_and_however_late_triggers_come_no_more_than_count_pings_are_sent()
    {
        for (var seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            var count = random.Next(0, 6);
            var machine = new KeepAliveMachine(Interval, count, S(0));
            machine.Start(S(0));
            var (now, lastReceived, pings) = (S(0), S(0), 0);
            while (machine.IsRunning)
            {
                now += S(random.NextDouble() * 8);
                if (now < S(1000) && random.Next(3) == 0)
                {
                    machine.Received(now);
                    (lastReceived, pings) = (now, 0);
                }

                var action = machine.Trigger(now);
                if (action == KeepAliveAction.SendPing) pings++;
                Assert.True(pings <= count, $"seed {seed}");
                if (action == KeepAliveAction.GiveUp)
                {
                    Assert.Equal(count, pings);
                    Assert.True(now - lastReceived >= Interval * (count + 1), $"seed {seed}: given up too early");
                }
            }
        }
    }

    [Fact]
    [Trait("req", "S2.22")]
    public void Ping_and_pong_are_told_from_everything_else()
    {
        Check(KeepAliveProcedure.Program, 1, KeepAliveProcedure.Ping, MessageType.Message, KeepAliveMessage.Ping);
        Check(KeepAliveProcedure.Program, 1, KeepAliveProcedure.Pong, MessageType.Message, KeepAliveMessage.Pong);
        Check(KeepAliveProcedure.Program, 1, 7, MessageType.Message, KeepAliveMessage.Unknown);
        Check(KeepAliveProcedure.Program, 2, KeepAliveProcedure.Ping, MessageType.Message, KeepAliveMessage.NotKeepAlive);
        Check(KeepAliveProcedure.Program, 1, KeepAliveProcedure.Ping, MessageType.Call, KeepAliveMessage.NotKeepAlive);
        Check(0x2000_8086, 1, KeepAliveProcedure.Ping, MessageType.Message, KeepAliveMessage.NotKeepAlive);

        static void Check(uint program, uint version, int procedure, MessageType type, KeepAliveMessage expected) =>
            Assert.Equal(expected, KeepAliveMachine.CheckMessage(new MessageHeader(program, version, procedure, type, 0, MessageStatus.Ok)));
    }

    private static void Note(List<string> log, KeepAliveMachine machine, TimeSpan now)
    {
        if (machine.Trigger(now) is not KeepAliveAction.None and var action) log.Add($"{now.TotalSeconds} {action}");
    }

    private static TimeSpan S(double seconds) => TimeSpan.FromSeconds(seconds);
}
