using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Wherry.Daemon.Configuration;

namespace Wherry.Daemon.Hosting;

/// <summary>
/// Writes log lines in libvirt's form, which log collectors have patterns for (S2.27):
/// <c>2023-01-05 05:07:36.721+0000: 114785: info : Wherry.Rpc:1004 : message</c>. The number is the managed thread's.
/// </summary>
internal sealed class DaemonLoggerProvider : ILoggerProvider
{
    private readonly LogSettings _settings;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly List<(LogLevel Level, Stream Stream)> _outputs = [];

    public DaemonLoggerProvider(LogSettings settings, TimeProvider time)
    {
        _settings = settings;
        _time = time;
        foreach (var output in settings.Outputs)
        {
            _outputs.Add((output.Level, output.Path is null
                ? Console.OpenStandardError()
                : new FileStream(output.Path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite)));
        }
    }

    public ILogger CreateLogger(string categoryName) => new CategoryLogger(this, categoryName);

    public void Dispose()
    {
        foreach (var (_, stream) in _outputs)
            stream.Dispose();
    }

    private void Write(string category, LogLevel level, EventId id, string message, Exception? exception)
    {
        var line = new StringBuilder()
            .Append(_time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture)).Append("+0000: ")
            .Append(Environment.CurrentManagedThreadId).Append(": ")
            .Append(Word(level)).Append(" : ")
            .Append(category).Append(':').Append(id.Id).Append(" : ")
            .Append(message);
        if (exception is not null)
            line.Append('\n').Append(exception);
        var bytes = Encoding.UTF8.GetBytes(line.Append('\n').ToString());
        lock (_gate)
        {
            foreach (var (least, stream) in _outputs)
            {
                if (level < least)
                    continue;
                try
                {
                    stream.Write(bytes);
                    stream.Flush();
                }
                catch (IOException)
                {
                    // A full disk under the log must not stop the daemon.
                }
            }
        }
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        _ => "error",
    };

    private sealed class CategoryLogger(DaemonLoggerProvider provider, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None && provider._settings.IsEnabled(category, logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                provider.Write(category, logLevel, eventId, formatter(state, exception), exception);
        }
    }
}
