using Microsoft.Extensions.Logging;

namespace Wherry.Testing;

/// <summary>Keeps what is logged, so that a test can read it.</summary>
public sealed class ListLogger : ILogger
{
    private readonly Lock _lock = new();
    private readonly List<(LogLevel Level, int Id, string Text)> _lines = [];
    private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public IReadOnlyList<(LogLevel Level, int Id, string Text)> Lines
    {
        get
        {
            lock (_lock) return [.. _lines];
        }
    }

    /// <summary>Waits until this many messages with this id have been logged.</summary>
    public async Task WaitForAsync(int id, int count = 1)
    {
        while (true)
        {
            Task next;
            lock (_lock)
            {
                if (_lines.Count(line => line.Id == id) >= count) return;
                next = _next.Task;
            }

            await next.Within(what: $"{count} log messages {id}");
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception);
        lock (_lock)
        {
            _lines.Add((logLevel, eventId.Id, text));
            _next.SetResult();
            _next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }
}
