using Microsoft.Extensions.Logging;

namespace Wherry.Rpc.KeepAlive;

/// <summary>
/// Drives a <see cref="KeepAliveMachine"/> for one connection: its clock, its timer and its log lines. The timer is not moved for each
/// received byte; when it fires too early it is set again.
/// </summary>
internal sealed class KeepAliveTimer : IAsyncDisposable
{
    private readonly long _client;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action _sendPing;
    private readonly Action<string> _dead;
    private readonly Lock _lock = new();
    private readonly long _origin;
    private readonly KeepAliveMachine _machine;
    private readonly ITimer _timer;
    private bool _paused;

    /// <param name="client">The connection's number, for the log.</param>
    /// <param name="dead">Told the reason when the peer is given up.</param>
    public KeepAliveTimer(
        long client, TimeSpan interval, int count, TimeProvider time, ILogger logger, Action sendPing, Action<string> dead)
    {
        _client = client;
        _time = time;
        _logger = logger;
        _sendPing = sendPing;
        _dead = dead;
        _origin = time.GetTimestamp();
        _machine = new KeepAliveMachine(interval, count, Now);
        _timer = time.CreateTimer(_ => Fire(), state: null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        RpcLog.KeepAliveNew(logger, client, interval.TotalSeconds, count);
    }

    private TimeSpan Now => _time.GetElapsedTime(_origin);

    /// <summary>Begins to send PINGs as configured; does nothing when they are already being sent.</summary>
    public void Start()
    {
        lock (_lock)
        {
            if (_machine.IsRunning || !_machine.Start(Now)) return;
            SetTimer();
        }

        RpcLog.KeepAliveStart(_logger, _client);
    }

    /// <summary>Begins, changes or (interval zero or less) stops the sending of PINGs.</summary>
    public void Start(TimeSpan interval, int count)
    {
        lock (_lock)
        {
            _machine.Start(interval, count, Now);
            SetTimer();
        }

        RpcLog.KeepAliveStart(_logger, _client);
    }

    /// <summary>Bytes came in.</summary>
    public void Received()
    {
        lock (_lock) _machine.Received(Now);
    }

    /// <summary>We stop reading, so that silence from now on says nothing about the peer.</summary>
    public void Pause()
    {
        lock (_lock) _paused = true;
    }

    /// <summary>We read again.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            _paused = false;
            _machine.Received(Now);
        }
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();

    private void Fire()
    {
        KeepAliveAction action;
        TimeSpan idle;
        int countToDeath;
        lock (_lock)
        {
            var now = Now;
            if (_paused) _machine.Received(now);
            idle = _machine.Idle(now);
            countToDeath = _machine.CountToDeath;
            action = _machine.Trigger(now);
            SetTimer();
        }

        if (action == KeepAliveAction.None) return;
        RpcLog.KeepAliveTimeout(_logger, _client, countToDeath, (long)idle.TotalSeconds);
        if (action == KeepAliveAction.SendPing)
        {
            _sendPing();
            return;
        }

        RpcLog.KeepAliveNoResponse(_logger, _client, _machine.Count, (long)idle.TotalSeconds);
        RpcLog.KeepAliveClosed(_logger, _client);
        _dead("connection closed due to keepalive timeout");
    }

    private void SetTimer() => _timer.Change(_machine.Timeout(Now) ?? Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}
