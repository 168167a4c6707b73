namespace Wherry.Qemu.Process;

/// <summary>A running QEMU as the rest of the driver sees it: a <see cref="QemuProcess"/>, or a simulated one in tests.</summary>
public interface IQemuProcess
{
    int Pid { get; }

    /// <summary>When the process started, in clock ticks since boot. Together with the pid it names a process for all time.</summary>
    ulong StartTime { get; }

    /// <summary>Completes when the process is gone; never fails. Monitor EOF may come before or after it.</summary>
    Task<ExitStatus> Exited { get; }

    /// <summary>Sends a signal to exactly this process, never to one that got its pid later.</summary>
    SignalResult Signal(int signal);
}
