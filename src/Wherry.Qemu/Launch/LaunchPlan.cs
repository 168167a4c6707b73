using System.Collections.Immutable;

namespace Wherry.Qemu.Launch;

/// <summary>How to start one QEMU: a value, nothing has happened yet.</summary>
public sealed record LaunchPlan
{
    /// <summary>Absolute path of the binary.</summary>
    public required string Emulator { get; init; }

    /// <summary>Arguments after the binary's name.</summary>
    public required ImmutableArray<string> Arguments { get; init; }

    /// <summary>Variables to set on top of the daemon's PATH and locale.</summary>
    public required ImmutableDictionary<string, string> Environment { get; init; }

    /// <summary>The block nodes of every disk, in the order of the domain's disks; an empty drive has an index and no nodes.</summary>
    public required ImmutableArray<DiskNodes> Disks { get; init; }

    /// <summary>Socket paths of unix channels, by alias, including those made up by us: they belong into the live XML.</summary>
    public required ImmutableDictionary<string, string> ChannelPaths { get; init; }

    /// <summary>
    /// QMP commands the owner runs once the monitor answers and before <c>cont</c>, in order. These settings have no command line form, or none
    /// that QEMU takes at start.
    /// </summary>
    public required ImmutableArray<StartupCommand> StartupCommands { get; init; }

    /// <summary>As one line that a shell would take; only words that need it are quoted.</summary>
    public string ToShell() => string.Join(' ',
        Environment.OrderBy(variable => variable.Key, StringComparer.Ordinal).Select(variable => $"{variable.Key}={Quote(variable.Value)}")
            .Append(Quote(Emulator))
            .Concat(Arguments.Select(Quote)));

    private static string Quote(string word) => word.Length > 0 && word.All(letter => char.IsAsciiLetterOrDigit(letter) || "-_=+,./:@%".Contains(letter, StringComparison.Ordinal))
        ? word
        : "'" + word.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}

/// <param name="Setting">What of the definition it brings about, for the error that says that it could not.</param>
/// <param name="Execute">QMP command.</param>
/// <param name="Arguments">Its arguments, as a JSON object.</param>
public sealed record StartupCommand(string? Setting, string Execute, string Arguments);
