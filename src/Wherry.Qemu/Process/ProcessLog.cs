using Microsoft.Extensions.Logging;

namespace Wherry.Qemu.Process;

/// <summary>Log messages about processes; ids 5xxx. The words of 5010 to 5013 are requirements S4.8 and S4.9.</summary>
internal static partial class ProcessLog
{
    [LoggerMessage(5001, LogLevel.Debug, "started {Executable} as process {Pid}")]
    public static partial void Started(ILogger logger, string executable, int pid);

    [LoggerMessage(5002, LogLevel.Information, "adopted process {Pid} of domain {Uuid}")]
    public static partial void Adopted(ILogger logger, int pid, Guid uuid);

    [LoggerMessage(5003, LogLevel.Information, "process {Pid} is not (any more) the QEMU of domain {Uuid}; not adopted")]
    public static partial void NotAdopted(ILogger logger, int pid, Guid uuid);

    [LoggerMessage(5004, LogLevel.Information, "{Executable} cannot use KVM: {Reason}")]
    public static partial void NoKvm(ILogger logger, string executable, string reason);

    [LoggerMessage(5010, LogLevel.Debug, "vm={Name} pid={Pid} flags={Flags:x}")]
    public static partial void Terminating(ILogger logger, string name, int pid, uint flags);

    [LoggerMessage(5011, LogLevel.Warning, "Timed out waiting after SIGTERM to process {Pid}, sending SIGKILL")]
    public static partial void SendingKill(ILogger logger, int pid);

    [LoggerMessage(5012, LogLevel.Warning, "Timed out waiting after SIG{Signal} to process {Pid}")]
    public static partial void TimedOut(ILogger logger, string signal, int pid);

    [LoggerMessage(5013, LogLevel.Warning, "Failed to terminate process {Pid} with SIG{Signal}: {Error}")]
    public static partial void Failed(ILogger logger, int pid, string signal, string error);
}
