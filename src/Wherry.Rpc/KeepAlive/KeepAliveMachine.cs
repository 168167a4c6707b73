using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;

namespace Wherry.Rpc.KeepAlive;

/// <summary>
/// Decides when to ask the peer for a sign of life and when to give it up. Pure: time comes in, decisions go out.
/// <code>
///  received      +interval     +interval            +interval
///     |--------------|-------------|--- ... ------------|
///                  PING 1        PING 2 ... PING count  dead: interval x (count + 1) after the last byte
///
///  any byte received puts everything back to the left end; with 5 s and 5: five PINGs, dead after 30 s
/// </code>
/// Both ends always answer PING with PONG, whether they send PINGs themselves or not.
/// </summary>
/// <remarks>Times are monotonic and count from any fixed moment. Source of the rules: libvirt virkeepalive.c, observed and not copied.</remarks>
public sealed class KeepAliveMachine
{
    private TimeSpan _interval;
    private TimeSpan _lastReceived;
    private TimeSpan _intervalStart;

    /// <param name="interval">
    /// Between two PINGs. Zero or less (the config's 0 and -1): never send, still answer. <see cref="Start(TimeSpan, int, TimeSpan)"/> may set it later.
    /// </param>
    /// <param name="count">Unanswered PINGs after which the peer is given up; 0 gives it up after one silent interval, without asking.</param>
    /// <param name="now">The connection's beginning counts as a sign of life.</param>
    public KeepAliveMachine(TimeSpan interval, int count, TimeSpan now)
    {
        _interval = interval;
        Count = count;
        CountToDeath = count;
        _lastReceived = now;
    }

    /// <summary>PINGs to send before giving up.</summary>
    public int Count { get; private set; }

    /// <summary>PINGs that may still be sent before the peer is given up.</summary>
    public int CountToDeath { get; private set; }

    /// <summary>PINGs are being sent.</summary>
    public bool IsRunning { get; private set; }

    /// <summary>How long nothing has arrived.</summary>
    public TimeSpan Idle(TimeSpan now) => now - _lastReceived;

    /// <summary>Begins to send PINGs with the interval and count given at construction.</summary>
    /// <returns>False when the interval disables them.</returns>
    public bool Start(TimeSpan now) => Start(_interval, Count, now);

    /// <summary>Begins to send PINGs, or goes on with a new interval and count. An interval of zero or less stops them.</summary>
    public bool Start(TimeSpan interval, int count, TimeSpan now)
    {
        _interval = interval;
        Count = count;
        CountToDeath = count;
        IsRunning = interval > TimeSpan.Zero;
        // A peer silent for longer than the interval is asked at once. With count 0 it cannot be asked, so it gets one full interval:
        // silence that nobody was watching is no reason to close.
        _intervalStart = count == 0 ? now : Max(_lastReceived, now - interval);
        return IsRunning;
    }

    /// <summary>Sends no more PINGs; those of the peer are still answered.</summary>
    public void Stop() => IsRunning = false;

    /// <summary>Time until <see cref="Trigger"/> has something to do (zero: now), or null when it never will.</summary>
    public TimeSpan? Timeout(TimeSpan now) => IsRunning ? Max(TimeSpan.Zero, _intervalStart + _interval - now) : null;

    /// <summary>What is due at this moment.</summary>
    public KeepAliveAction Trigger(TimeSpan now)
    {
        if (!IsRunning || now - _intervalStart < _interval) return KeepAliveAction.None;
        if (CountToDeath == 0)
        {
            IsRunning = false;
            return KeepAliveAction.GiveUp;
        }

        CountToDeath--;
        _intervalStart = now;
        return KeepAliveAction.SendPing;
    }

    /// <summary>Bytes came in, of whatever kind: the peer lives.</summary>
    public void Received(TimeSpan now)
    {
        CountToDeath = Count;
        _lastReceived = now;
        _intervalStart = now;
    }

    /// <summary>Tells keepalive messages, which end here, from those for the dispatcher.</summary>
    public static KeepAliveMessage CheckMessage(in MessageHeader header)
    {
        if (header.Program != KeepAliveProcedure.Program || header.Version != KeepAliveProcedure.Version || header.Type != MessageType.Message)
            return KeepAliveMessage.NotKeepAlive;
        return header.Procedure switch
        {
            KeepAliveProcedure.Ping => KeepAliveMessage.Ping,
            KeepAliveProcedure.Pong => KeepAliveMessage.Pong,
            _ => KeepAliveMessage.Unknown,
        };
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;
}

/// <summary>What <see cref="KeepAliveMachine.Trigger"/> wants done.</summary>
public enum KeepAliveAction
{
    None,
    SendPing,

    /// <summary>Close the connection: the peer has not answered.</summary>
    GiveUp,
}

/// <summary>What a message means to keepalive.</summary>
public enum KeepAliveMessage
{
    NotKeepAlive,

    /// <summary>To be answered with PONG at once.</summary>
    Ping,
    Pong,

    /// <summary>A keepalive procedure we do not know: ignored, as libvirt does.</summary>
    Unknown,
}
