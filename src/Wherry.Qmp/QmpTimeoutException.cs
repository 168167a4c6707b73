using Wherry.Errors;

namespace Wherry.Qmp;

/// <summary>
/// A command was not answered within its deadline. This is an input for the caller, not a verdict: QEMU may still execute a command
/// that <see cref="WasSent"/>, and the session stays usable. A late reply is dropped.
/// </summary>
public sealed class QmpTimeoutException : WherryException
{
    public QmpTimeoutException(string command, TimeSpan deadline, bool wasSent, string? owed)
        : base(ErrorCode.OperationTimeout, Describe(command, deadline, wasSent, owed))
    {
        Command = command;
        Deadline = deadline;
        WasSent = wasSent;
    }

    public string Command { get; }

    public TimeSpan Deadline { get; }

    /// <summary>False: the command never left us, since QEMU still owes the answer to an earlier one; it certainly has no effect.</summary>
    public bool WasSent { get; }

    private static string Describe(string command, TimeSpan deadline, bool wasSent, string? owed) => wasSent
        ? $"QEMU did not answer '{command}' within {deadline.TotalSeconds} s"
        : $"QEMU command '{command}' was not sent within {deadline.TotalSeconds} s: the monitor still owes the answer to '{owed ?? "an earlier command"}'";
}
