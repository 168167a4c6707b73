using Microsoft.Win32.SafeHandles;

namespace Wherry.Qemu.Process;

/// <summary>One process held by its pidfd, so that neither a wait nor a signal can ever hit a later owner of its pid.</summary>
public sealed class QemuProcess : IQemuProcess
{
    private readonly TaskCompletionSource<ExitStatus> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal QemuProcess(int pid, ulong startTime, SafeFileHandle pidfd)
    {
        Pid = pid;
        StartTime = startTime;
        Pidfd = pidfd;
    }

    public int Pid { get; }

    public ulong StartTime { get; }

    public Task<ExitStatus> Exited => _exited.Task;

    /// <summary>Readable once the process has exited. Closed by <see cref="MarkExited"/>, after which nobody needs it.</summary>
    internal SafeFileHandle Pidfd { get; }

    public SignalResult Signal(int signal)
    {
        try
        {
            return new SignalResult(Exited.IsCompleted ? NativeProcess.Esrch : NativeProcess.PidfdSendSignal(Pidfd, signal));
        }
        catch (ObjectDisposedException)
        {
            return new SignalResult(NativeProcess.Esrch); // It ended just now.
        }
    }

    internal void MarkExited(ExitStatus status)
    {
        _exited.TrySetResult(status);
        Pidfd.Dispose();
    }
}
