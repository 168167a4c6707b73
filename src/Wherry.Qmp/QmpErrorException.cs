using Wherry.Errors;

namespace Wherry.Qmp;

/// <summary>QEMU refused a command. The session is fine; what the command would have done has not been done.</summary>
public sealed class QmpErrorException : WherryException
{
    public QmpErrorException(string command, string errorClass, string description)
        : base(ErrorCode.InternalError, $"unable to execute QEMU command '{command}': {description}")
    {
        Command = command;
        ErrorClass = errorClass;
        Description = description;
    }

    public string Command { get; }

    /// <summary>QEMU's class: <c>GenericError</c>, <c>CommandNotFound</c>, <c>DeviceNotActive</c>, <c>DeviceNotFound</c>, <c>KVMMissingCap</c>.</summary>
    public string ErrorClass { get; }

    /// <summary>QEMU's sentence. For people: its wording changes between releases, so nothing is decided by it.</summary>
    public string Description { get; }
}
