using Wherry.Errors;

namespace Wherry.Qmp;

/// <summary>The monitor connection has ended. Every pending and later command of the session fails with the same one.</summary>
/// <remarks>It says nothing about QEMU: whether that lives is asked of its pidfd.</remarks>
public sealed class MonitorClosedException : WherryException
{
    public MonitorClosedException(string reason, Exception? inner = null)
        : base(ErrorCode.OperationFailed, reason, inner: inner)
    {
    }
}
