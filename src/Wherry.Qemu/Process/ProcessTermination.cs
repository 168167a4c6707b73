using Microsoft.Extensions.Logging;

namespace Wherry.Qemu.Process;

/// <summary>
/// Ends a QEMU without losing what its disks still owe: SIGTERM lets it flush, SIGKILL does not.
/// <code>
///   flags            | signal, longest wait after it      | if it still lives
///   None (graceful)  | TERM 15 s                          | StillAlive: the caller says so, and may ask again with Force
///   Force            | TERM 10 s, then KILL 5 s           | StillAlive
///   NoWait           | TERM, no wait                      | -
///   Force | NoWait   | KILL, no wait                      | -
/// </code>
/// Requirements S4.1 to S4.4. Each wait ends the moment the process does. With SIGTERM goes SIGCONT.
/// </summary>
/// <remarks>Nothing is locked meanwhile: it waits on the pidfd of one process, and other domains are nobody's concern here (S4.5 to S4.7).</remarks>
public sealed class ProcessTermination
{
    private readonly TerminationOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public ProcessTermination(TerminationOptions options, TimeProvider time, ILogger logger)
    {
        _options = options;
        _time = time;
        _logger = logger;
    }

    /// <param name="name">The domain's name, for the log.</param>
    /// <param name="ct">Stops the waiting, and with it the escalation; signals sent are sent.</param>
    public async Task<TerminationResult> TerminateAsync(string name, IQemuProcess process, TerminationFlags flags, CancellationToken ct)
    {
        ProcessLog.Terminating(_logger, name, process.Pid, (uint)flags);
        var steps = _options.Plan(flags);
        for (var i = 0; i < steps.Length; i++)
        {
            var step = steps[i];
            var sent = process.Signal(step.Signal);
            if (sent.AlreadyGone)
            {
                await process.Exited.WaitAsync(ct);
                return TerminationResult.Gone;
            }

            if (sent.Failed)
            {
                ProcessLog.Failed(_logger, process.Pid, step.Name, sent.ToString());
                return TerminationResult.SignalFailed(step.Name, sent);
            }

            // A stopped process would hear SIGTERM only when somebody lets it go on, and its disks would go unflushed. It may have gone already.
            // No guest runs by this that did not: whoever gives one up has no "cont" of its own unanswered.
            if (step.Signal == NativeProcess.SigTerm)
                process.Signal(NativeProcess.SigCont);

            if (step.Wait == TimeSpan.Zero)
                return TerminationResult.Signalled;

            if (await ExitedWithinAsync(process, step.Wait, ct))
                return TerminationResult.Gone;

            if (i + 1 < steps.Length)
                ProcessLog.SendingKill(_logger, process.Pid);
            else
                ProcessLog.TimedOut(_logger, step.Name, process.Pid);
        }

        return TerminationResult.StillAlive(steps[^1].Name);
    }

    private async Task<bool> ExitedWithinAsync(IQemuProcess process, TimeSpan limit, CancellationToken ct)
    {
        try
        {
            await process.Exited.WaitAsync(limit, _time, ct);
            return true;
        }
        catch (TimeoutException)
        {
            return process.Exited.IsCompleted;
        }
    }
}
