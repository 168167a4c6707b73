using System.Collections.Immutable;

namespace Wherry.Qemu.Process;

/// <summary>How long a QEMU may take to end.</summary>
public sealed record TerminationOptions
{
    /// <summary>After SIGTERM, before SIGKILL may follow. 10 s is libvirt's, for a host that must write much cached data.</summary>
    public TimeSpan TermWait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After SIGKILL: a process in uninterruptible I/O ends only when that does.</summary>
    public TimeSpan KillWait { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>After SIGTERM when SIGKILL may not follow; as long as both together.</summary>
    public TimeSpan GracefulWait => TermWait + KillWait;

    /// <summary>The signals to send, in order, with the longest wait after each; zero means not to wait at all.</summary>
    internal ImmutableArray<TerminationStep> Plan(TerminationFlags flags) => flags switch
    {
        TerminationFlags.None => [new("TERM", NativeProcess.SigTerm, GracefulWait)],
        TerminationFlags.Force => [new("TERM", NativeProcess.SigTerm, TermWait), new("KILL", NativeProcess.SigKill, KillWait)],
        TerminationFlags.NoWait => [new("TERM", NativeProcess.SigTerm, TimeSpan.Zero)],
        TerminationFlags.Force | TerminationFlags.NoWait => [new("KILL", NativeProcess.SigKill, TimeSpan.Zero)],
        _ => throw new ArgumentOutOfRangeException(nameof(flags), flags, "unknown termination flags"),
    };
}

internal readonly record struct TerminationStep(string Name, int Signal, TimeSpan Wait);

/// <summary>Who uses which (S4.11): destroy Force, destroy --graceful None, stop after the guest's own shutdown NoWait, process stop Force.</summary>
[Flags]
public enum TerminationFlags : uint
{
    /// <summary>SIGTERM only.</summary>
    None = 0,

    /// <summary>SIGKILL may be used, and with it what the guest believed written may be lost.</summary>
    Force = 1,

    /// <summary>One signal and no wait.</summary>
    NoWait = 2,
}
