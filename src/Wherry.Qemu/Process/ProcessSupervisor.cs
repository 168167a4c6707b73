using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;

namespace Wherry.Qemu.Process;

/// <summary>
/// Starts QEMU processes and finds them again. Whatever else the daemon runs is started here too; only a connection's ssh is not.
/// <code>
///   Start:  posix_spawn -- own session (setsid)    the daemon's end, Ctrl-C or SIGHUP does not reach QEMU
///                       -- signals default, none blocked   .NET ignores SIGPIPE; QEMU must not inherit that
///                       -- stdin /dev/null; stdout, stderr appended to the domain's log
///                       -- InheritedFds under their numbers; every other descriptor is close-on-exec
///           pidfd_open  -- no race: an unreaped child keeps its pid
///
///   Adopt:  pidfd_open, *then* start time and -uuid checked, then still alive?  =&gt; the pidfd holds what was checked
///   both:   ExitWatcher completes Exited
/// </code>
/// </summary>
/// <remarks>Nothing is ever killed or found by name. Disposing it ends the watching only; QEMU outlives the daemon.</remarks>
public sealed class ProcessSupervisor : IDisposable
{
    private readonly ExitWatcher _watcher = new();
    private readonly ILogger _logger;

    public ProcessSupervisor(ILogger logger) => _logger = logger;

    /// <summary>Starts a process. It is a child of ours until the daemon ends.</summary>
    /// <exception cref="WherryException">SystemError: the executable cannot be run, or the log not be opened.</exception>
    public QemuProcess Start(ProcessStart start)
    {
        var pid = Spawn.Run(start);
        var pidfd = NativeProcess.PidfdOpen(pid);
        if (pidfd.IsInvalid)
        {
            // Cannot happen short of running out of descriptors; the child must not run unwatched, and its pid is still its own.
            var errno = Marshal.GetLastPInvokeError();
            NativeProcess.kill(pid, NativeProcess.SigKill);
            throw WherryException.FromErrno(errno, $"pidfd_open of process {pid}");
        }

        // A process that has exited already is a zombie until reaped, and keeps its start time; only the number matters then.
        var process = new QemuProcess(pid, ProcFile.StartTime(pid) ?? 0, pidfd);
        ProcessLog.Started(_logger, start.Executable, pid);
        _watcher.Add(process);
        return process;
    }

    /// <summary>
    /// Starts a process that waits, as the process that it will be, until it is let go: what is arranged for it meanwhile (control groups) holds
    /// from its first instruction. If the gate is disposed before, or this daemon ends, it ends too, without having run.
    /// </summary>
    /// <remarks>
    /// A shell that replaces itself: between fork and exec no code of ours can run, and posix_spawn has no pause. The pid and the start time stay.
    /// </remarks>
    /// <exception cref="WherryException">SystemError: no shell, or the log cannot be opened.</exception>
    public (QemuProcess Process, StartGate Gate) StartHeld(ProcessStart start)
    {
        var gate = new StartGate();
        try
        {
            var process = Start(start with
            {
                Executable = "/bin/sh",
                Arguments = ["-c", "read -r go && exec \"$0\" \"$@\" </dev/null", start.Executable, .. start.Arguments],
                StandardInput = gate.Theirs,
            });
            gate.Theirs.Dispose(); // the process has its own
            return (process, gate);
        }
        catch
        {
            gate.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Finds the QEMU of a domain that an earlier daemon started. Null when it has ended, also if its pid now belongs to another process:
    /// that one is neither adopted nor touched.
    /// </summary>
    /// <param name="startTime">As recorded at its start; see <see cref="IQemuProcess.StartTime"/>.</param>
    /// <param name="uuid">The domain's; QEMU has it on its command line.</param>
    public QemuProcess? Adopt(int pid, ulong startTime, Guid uuid)
    {
        var pidfd = NativeProcess.PidfdOpen(pid);
        if (!pidfd.IsInvalid)
        {
            if (ProcFile.StartTime(pid) == startTime && HasUuid(ProcFile.CommandLine(pid), uuid) && NativeProcess.PidfdSendSignal(pidfd, 0) == 0)
            {
                var process = new QemuProcess(pid, startTime, pidfd);
                ProcessLog.Adopted(_logger, pid, uuid);
                _watcher.Add(process);
                return process;
            }

            pidfd.Dispose();
        }

        ProcessLog.NotAdopted(_logger, pid, uuid);
        return null;
    }

    public void Dispose() => _watcher.Dispose();

    private static bool HasUuid(string[]? commandLine, Guid uuid) =>
        commandLine is not null
        && Array.IndexOf(commandLine, "-uuid") is >= 0 and var option
        && option + 1 < commandLine.Length
        && Guid.TryParse(commandLine[option + 1], out var found)
        && found == uuid;
}
