namespace Wherry.Qemu.Process;

/// <summary>How a process ended.</summary>
/// <param name="Code">Its exit code, when it exited.</param>
/// <param name="Signal">The signal that ended it, when one did.</param>
/// <remarks>Both are null for an adopted process: only the parent is told, and the parent was an earlier daemon.</remarks>
public readonly record struct ExitStatus(int? Code, int? Signal)
{
    public static ExitStatus Unknown => default;

    public override string ToString() => (Code, Signal) switch
    {
        ({ } code, _) => $"exit status {code}",
        (_, { } signal) => $"signal {signal}",
        _ => "unknown exit status",
    };
}
