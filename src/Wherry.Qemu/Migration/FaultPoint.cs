using System.Diagnostics;
using System.Runtime.InteropServices;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Process;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Migration;

/// <summary>
/// Named moments of a migration at which a test can hurt this daemon: <c>WHERRY_FAULT=src.handed.written:crash,dst.loaded:hang</c>.
/// <list type="bullet">
///   <item><c>crash</c>: SIGKILL, once that moment is reached.</item>
///   <item><c>hang</c>: SIGSTOP, until the test sends SIGCONT.</item>
///   <item><c>enospc</c>: an effect fails for want of space. At <c>.written</c>: the record of before stands.</item>
///   <item><c>error</c>: an effect fails with an I/O error. At <c>.written</c>: the directory was not flushed, so either record may stand.</item>
/// </list>
/// Each happens once. A published daemon has neither the checks nor the names (see the project file). Source: failure-catalogue.md, "Fault
/// points".
/// </summary>
internal static partial class FaultPoint
{
    private const int SigStop = 19;

    private static readonly Dictionary<string, string> Armed = Parse(Environment.GetEnvironmentVariable("WHERRY_FAULT"));

    private static readonly Lock Gate = new();

    /// <summary>A moment before, in or after an effect.</summary>
    /// <exception cref="IOException">Armed as <c>enospc</c> or <c>error</c>.</exception>
    [Conditional("FAULT_POINTS")]
    public static void Reached(string name)
    {
        switch (Take(name, "crash", "hang", "enospc", "error"))
        {
            case "crash":
                // SIGKILL, not an exit: nothing of ours may run afterwards, as when the machine loses power.
                _ = NativeProcess.kill(Environment.ProcessId, NativeProcess.SigKill);
                break;
            case "hang":
                // To this very thread: a signal to the process may reach another first, and this one would do its next step meanwhile.
                _ = Raise(SigStop);
                break;
            case "enospc":
                throw new IOException($"No space left on device (at {name})");
            case "error":
                throw new IOException($"Input/output error (at {name})");
        }
    }

    /// <summary>The record is about to be written.</summary>
    [Conditional("FAULT_POINTS")]
    public static void Writing(HandoverRecord record)
    {
        if (Take(Written(record), "enospc") is not null)
            throw new IOException($"No space left on device (at {Written(record)})");
    }

    /// <summary>The record has its name, and its directory is about to be flushed.</summary>
    [Conditional("FAULT_POINTS")]
    public static void Flushing(HandoverRecord record)
    {
        if (Take(Written(record), "error") is not null)
            throw new DirectoryFlushException($"Input/output error (at {Written(record)})");
    }

    /// <summary>The record is durable.</summary>
    [Conditional("FAULT_POINTS")]
    public static void Wrote(HandoverRecord record) => Reached(Written(record));

    private static string Written(HandoverRecord record) => record switch
    {
        { Source.Phase: SourcePhase.OwnBegin or SourcePhase.OwnPrepare } => "src.begun",
        { Source.Phase: SourcePhase.Reclaiming } => "src.reclaim.written",
        { Source.Phase: var phase } => $"src.{phase.ToString().ToLowerInvariant()}.written",
        { Destination.Phase: DestinationPhase.Aborted } => "dst.abort.written",
        _ => $"dst.{record.Destination!.Phase.ToString().ToLowerInvariant()}.written", // a record is one of the two
    };

    /// <summary>What is armed for this moment, if it is one of these kinds; it is armed no longer.</summary>
    private static string? Take(string name, params ReadOnlySpan<string> kinds)
    {
        lock (Gate)
        {
            return Armed.TryGetValue(name, out var kind) && kinds.Contains(kind) && Armed.Remove(name) ? kind : null;
        }
    }

    [LibraryImport("libc", EntryPoint = "raise")]
    private static partial int Raise(int signal);

    private static Dictionary<string, string> Parse(string? list) => (list ?? "")
        .Split(',', StringSplitOptions.RemoveEmptyEntries)
        .Select(fault => fault.Split(':', 2))
        .ToDictionary(parts => parts[0], parts => parts.ElementAtOrDefault(1) ?? "crash", StringComparer.Ordinal);
}
