using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Wherry.Qemu.Process;

/// <summary>What <see cref="ProcessSupervisor.Start"/> is to run.</summary>
public sealed record ProcessStart
{
    /// <summary>Absolute path; no search in PATH.</summary>
    public required string Executable { get; init; }

    /// <summary>Without argument zero, which is the executable.</summary>
    public required ImmutableArray<string> Arguments { get; init; }

    /// <summary>The whole environment; null for a copy of ours.</summary>
    public ImmutableDictionary<string, string>? Environment { get; init; }

    /// <summary>stdout and stderr are appended here; created with mode 0600.</summary>
    public required string LogPath { get; init; }

    /// <summary>Descriptors that the process gets under the same numbers as they have here. All others of ours are close-on-exec.</summary>
    public ImmutableArray<SafeHandle> InheritedFds { get; init; } = [];

    /// <summary>What it reads; null for nothing.</summary>
    public SafeHandle? StandardInput { get; init; }
}
