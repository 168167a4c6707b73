using System.Collections.Immutable;
using System.IO.Enumeration;
using Microsoft.Extensions.Logging;
using Wherry.Errors;

namespace Wherry.Daemon.Configuration;

/// <summary>
/// What is logged, and where to (S2.29), in libvirt's syntax: <c>log_filters = "1:qemu 3:rpc"</c>,
/// <c>log_outputs = "1:file:/x 3:stderr 2:syslog:id 1:journald"</c>. Levels are libvirt's: 1 debug, 2 info, 3 warning, 4 error. Texts of
/// errors: virlog.c.
/// </summary>
internal sealed record LogSettings
{
    /// <summary>Where all goes when nothing is said: a supervisor collects it from there.</summary>
    public static ImmutableArray<LogOutput> DefaultOutputs { get; } = [new LogOutput(LogLevel.Trace, LogDestination.Stderr, null)];

    /// <summary><c>log_level</c>. Info, where libvirt has warning: a migration must be explicable from a regular log (S1.20).</summary>
    public LogLevel Level { get; init; } = LogLevel.Information;

    /// <summary><c>log_filters</c>: the first that matches the category decides.</summary>
    public ImmutableArray<LogFilter> Filters { get; init; } = [];

    /// <summary><c>log_outputs</c>.</summary>
    public ImmutableArray<LogOutput> Outputs { get; init; } = DefaultOutputs;

    public static LogSettings Read(ConfFile conf) => new()
    {
        Level = conf.Number("log_level", 1, 4) is { } level ? LevelOf((int)level) : LogLevel.Information,
        Filters = Read(conf, "log_filters", ParseFilters),
        Outputs = Read(conf, "log_outputs", ParseOutputs),
    };

    /// <param name="text">Null or empty: none.</param>
    /// <exception cref="WherryException">INVALID_ARG naming the filter.</exception>
    public static ImmutableArray<LogFilter> ParseFilters(string? text) => [.. Words(text).Select(ParseFilter)];

    /// <param name="text">Null or empty: <see cref="DefaultOutputs"/>.</param>
    /// <exception cref="WherryException">INVALID_ARG naming the output.</exception>
    public static ImmutableArray<LogOutput> ParseOutputs(string? text) =>
        string.IsNullOrEmpty(text)
            ? DefaultOutputs
            // Of two to the same place the last counts.
            : [.. Words(text).Select(ParseOutput).Reverse().DistinctBy(output => (output.Destination, output.Name)).Reverse()];

    public bool IsEnabled(string category, LogLevel level)
    {
        foreach (var filter in Filters)
        {
            if (filter.Matches(category)) return level >= filter.Level;
        }
        return level >= Level;
    }

    /// <summary>libvirt's number of a level.</summary>
    public static int NumberOf(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => 1,
        LogLevel.Information => 2,
        LogLevel.Warning => 3,
        _ => 4,
    };

    private static T Read<T>(ConfFile conf, string key, Func<string?, T> parse)
    {
        try
        {
            return parse(conf.Text(key));
        }
        catch (WherryException e) when (e.Code == ErrorCode.InvalidArg)
        {
            throw conf.Error(key, e.Detail!); // an InvalidArg of ours always has one
        }
    }

    private static string[] Words(string? text) => (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static LogFilter ParseFilter(string word)
    {
        if (word.Split(':') is not [var number, var match, ..]) throw Invalid($"Malformed format for filter '{word}'");
        if (ReadLevel(number) is not { } level) throw Invalid($"Invalid priority '{number}' for filter '{word}'");
        // A plus once asked for stack traces.
        var text = match.StartsWith('+') ? match[1..] : match;
        return text.Length > 0 ? new LogFilter(level, text) : throw Invalid($"Invalid match string '{match}'");
    }

    private static LogOutput ParseOutput(string word)
    {
        if (word.Split(':') is not [var number, var destination, .. var rest]) throw Invalid($"Malformed format for log output '{word}'");
        if (ReadLevel(number) is not { } level) throw Invalid($"Invalid log priority '{number}' for log output '{word}'");
        return (destination, rest) switch
        {
            ("stderr", []) => new LogOutput(level, LogDestination.Stderr, null),
            ("journald", []) => new LogOutput(level, LogDestination.Journald, null),
            ("syslog", [var identity]) => new LogOutput(level, LogDestination.Syslog, identity),
            ("file", [var path]) => new LogOutput(level, LogDestination.File, Path.GetFullPath(path)),
            ("stderr" or "journald" or "syslog" or "file", _) =>
                throw Invalid($"Log output '{word}' does not meet the format requirements for destination type '{destination}'"),
            _ => throw Invalid($"Invalid log destination '{destination}' for log output '{word}'"),
        };
    }

    private static LogLevel? ReadLevel(string text) => text is "1" or "2" or "3" or "4" ? LevelOf(text[0] - '0') : null;

    private static LogLevel LevelOf(int number) => number switch
    {
        1 => LogLevel.Trace,
        2 => LogLevel.Information,
        3 => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    private static WherryException Invalid(string message) => new(ErrorCode.InvalidArg, message, ErrorDomain.None);
}

/// <param name="Match">Part of a category's name, or of libvirt's for the same part of the daemon; '*' and '?' stand for others.</param>
internal sealed record LogFilter(LogLevel Level, string Match)
{
    /// <summary>libvirt's names of what our categories are, which the filters of its manuals and of operators name.</summary>
    private static readonly Dictionary<string, string> LibvirtNames = new(StringComparer.Ordinal)
    {
        ["Wherry.Qmp"] = "qemu.qemu_monitor",
        ["Wherry.Qemu.Process"] = "qemu.qemu_process",
        ["Wherry.Qemu.Domains"] = "qemu.qemu_driver",
        ["Wherry.Qemu.Migration"] = "qemu.qemu_migration",
        ["Wherry.Rpc"] = "rpc.netserver",
        ["Wherry.Daemon"] = "daemon.libvirtd",
    };

    public bool Matches(string category) =>
        Fits(category) || (LibvirtNames.TryGetValue(category, out var name) && Fits(name));

    /// <summary>As virt-admin shows it.</summary>
    public override string ToString() => $"{LogSettings.NumberOf(Level)}:*{Match}*";

    private bool Fits(string name) => FileSystemName.MatchesSimpleExpression($"*{Match}*", name, ignoreCase: true);
}

/// <param name="Level">Least severe level written here.</param>
/// <param name="Name">The file's path, or what syslog calls us; null where neither is needed.</param>
internal sealed record LogOutput(LogLevel Level, LogDestination Destination, string? Name)
{
    /// <summary>As it is configured, and as virt-admin shows it.</summary>
    public override string ToString() =>
        $"{LogSettings.NumberOf(Level)}:{Destination.ToString().ToLowerInvariant()}{(Name is null ? "" : $":{Name}")}";
}

internal enum LogDestination
{
    Stderr,
    File,
    Syslog,
    Journald,
}
