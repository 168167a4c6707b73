using System.Collections.Immutable;
using Microsoft.Extensions.Logging;

namespace Wherry.Daemon.Configuration;

/// <summary>What is logged, and where to (S2.29). Levels are libvirt's: 1 debug, 2 info, 3 warning, 4 error.</summary>
internal sealed record LogSettings
{
    /// <summary><c>log_level</c>. Info, where libvirt has warning: a migration must be explicable from a regular log (S1.20).</summary>
    public LogLevel Level { get; init; } = LogLevel.Information;

    /// <summary><c>log_filters</c>: the first whose text occurs in the category decides.</summary>
    public ImmutableArray<LogFilter> Filters { get; init; } = [];

    /// <summary><c>log_outputs</c>.</summary>
    public ImmutableArray<LogOutput> Outputs { get; init; } = [new LogOutput(LogLevel.Trace, null)];

    public static LogSettings Read(ConfFile conf) => new()
    {
        Level = conf.Number("log_level", 1, 4) is { } level ? LevelOf(level) : LogLevel.Information,
        Filters = conf.Text("log_filters") is { } filters
            ? [.. Words(filters).Select(word => Filter(conf, word))]
            : [],
        Outputs = conf.Text("log_outputs") is { Length: > 0 } outputs
            ? [.. Words(outputs).Select(word => Output(conf, word))]
            : [new LogOutput(LogLevel.Trace, null)],
    };

    public bool IsEnabled(string category, LogLevel level)
    {
        foreach (var filter in Filters)
        {
            if (category.Contains(filter.Match, StringComparison.OrdinalIgnoreCase))
                return level >= filter.Level;
        }
        return level >= Level;
    }

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static LogFilter Filter(ConfFile conf, string word) => word.Split(':', 2) switch
    {
        [var level, { Length: > 0 } match] when TryLevel(level, out var parsed) => new LogFilter(parsed, match),
        _ => throw conf.Error("log_filters", $"'{word}' is not LEVEL:MATCH with a level of 1 to 4"),
    };

    private static LogOutput Output(ConfFile conf, string word) => word.Split(':', 3) switch
    {
        [var level, "stderr"] when TryLevel(level, out var parsed) => new LogOutput(parsed, null),
        // A supervisor (systemd) sends stderr to the journal or syslog; writing there twice would help nobody.
        [var level, "journald"] when TryLevel(level, out var parsed) => new LogOutput(parsed, null),
        [var level, "syslog", _] when TryLevel(level, out var parsed) => new LogOutput(parsed, null),
        [var level, "file", ['/', ..] path] when TryLevel(level, out var parsed) => new LogOutput(parsed, path),
        _ => throw conf.Error("log_outputs", $"'{word}' is not LEVEL:stderr, LEVEL:journald, LEVEL:syslog:NAME or LEVEL:file:/PATH"),
    };

    private static bool TryLevel(string text, out LogLevel level)
    {
        var known = text is "1" or "2" or "3" or "4";
        level = known ? LevelOf(text[0] - '0') : LogLevel.None;
        return known;
    }

    private static LogLevel LevelOf(long number) => number switch
    {
        1 => LogLevel.Trace,
        2 => LogLevel.Information,
        3 => LogLevel.Warning,
        _ => LogLevel.Error,
    };
}

internal sealed record LogFilter(LogLevel Level, string Match);

/// <param name="Level">Least severe level written here.</param>
/// <param name="Path">Null: stderr.</param>
internal sealed record LogOutput(LogLevel Level, string? Path);
