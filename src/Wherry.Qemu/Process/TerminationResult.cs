namespace Wherry.Qemu.Process;

/// <summary>How an attempt to end a process came out.</summary>
public readonly record struct TerminationResult(TerminationOutcome Outcome, string? LastSignal = null, int Errno = 0)
{
    public static TerminationResult Gone => new(TerminationOutcome.Gone);

    public static TerminationResult Signalled => new(TerminationOutcome.Signalled);

    public static TerminationResult StillAlive(string lastSignal) => new(TerminationOutcome.StillAlive, lastSignal);

    public static TerminationResult SignalFailed(string signal, SignalResult result) => new(TerminationOutcome.SignalFailed, signal, result.Errno);

    /// <summary>For a caller that promised the end: throws unless the process is gone or the signal was all that was asked (S4.1).</summary>
    public void ThrowUnlessEnded()
    {
        switch (Outcome)
        {
            case TerminationOutcome.StillAlive:
                throw new WherryException(ErrorCode.OperationFailed, $"failed to kill qemu process with SIG{LastSignal}");
            case TerminationOutcome.SignalFailed:
                throw WherryException.FromErrno(Errno, $"failed to kill qemu process with SIG{LastSignal}");
        }
    }
}

public enum TerminationOutcome
{
    /// <summary>The process has ended, whether by us or before.</summary>
    Gone,

    /// <summary>NoWait: the signal is on its way.</summary>
    Signalled,

    /// <summary>Every wait has passed.</summary>
    StillAlive,

    /// <summary>The signal could not be sent, for a reason other than "no such process".</summary>
    SignalFailed,
}
