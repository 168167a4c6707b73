using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Wherry.Daemon.Configuration;
using Wherry.Errors;

namespace Wherry.Daemon.Hosting;

/// <summary>The daemon's log: filters and outputs as configured, and as virt-admin changes them while it runs (S2.29).</summary>
/// <remarks>The factory itself, not a provider of the usual one: there is no other, and that one costs a start 8 ms.</remarks>
internal sealed partial class DaemonLoggerFactory : ILoggerFactory
{
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private ImmutableArray<LogSink> _sinks;
    private volatile LogSettings _settings;

    public DaemonLoggerFactory(LogSettings settings, TimeProvider time)
    {
        _time = time;
        _settings = settings;
        _sinks = OpenAll(settings.Outputs);
    }

    public LogSettings Settings => _settings;

    /// <param name="text">Null or empty: no filters.</param>
    /// <exception cref="WherryException">INVALID_ARG: the old ones stay.</exception>
    public void SetFilters(string? text)
    {
        var filters = LogSettings.ParseFilters(text);
        lock (_gate) _settings = _settings with { Filters = filters };
    }

    /// <param name="text">Null or empty: the default.</param>
    /// <exception cref="WherryException">INVALID_ARG, or SYSTEM_ERROR when a file cannot be opened: the old ones stay.</exception>
    public void SetOutputs(string? text)
    {
        var outputs = LogSettings.ParseOutputs(text);
        var opened = OpenAll(outputs);
        lock (_gate)
        {
            foreach (var sink in _sinks) sink.Dispose();
            _sinks = opened;
            _settings = _settings with { Outputs = outputs };
        }
    }

    public ILogger CreateLogger(string categoryName) => new CategoryLogger(this, categoryName);

    /// <exception cref="NotSupportedException">Always: where the lines go is said by <see cref="SetOutputs"/>.</exception>
    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
        lock (_gate)
        {
            foreach (var sink in _sinks) sink.Dispose();
            _sinks = [];
        }
    }

    private static ImmutableArray<LogSink> OpenAll(ImmutableArray<LogOutput> outputs)
    {
        var opened = ImmutableArray.CreateBuilder<LogSink>(outputs.Length);
        try
        {
            foreach (var output in outputs) opened.Add(LogSink.Open(output));
            return opened.ToImmutable();
        }
        catch
        {
            foreach (var sink in opened) sink.Dispose();
            throw;
        }
    }

    private void Write(string category, LogLevel level, EventId id, string message, Exception? exception)
    {
        var line = new LogLine(
            _time.GetUtcNow(), GetThreadId(), level, category, id.Name ?? category, id.Id, exception is null ? message : $"{message}\n{exception}");
        lock (_gate)
        {
            foreach (var sink in _sinks) sink.Write(line);
        }
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();

    private sealed class CategoryLogger(DaemonLoggerFactory factory, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && factory._settings.IsEnabled(category, logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                factory.Write(category, logLevel, eventId, formatter(state, exception), exception);
        }
    }
}
