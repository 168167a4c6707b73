using System.Net.Sockets;
using System.Runtime.InteropServices;
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

    private MonitorClosedException(ErrorCode code, string reason, Exception? inner)
        : base(code, reason, inner: inner)
    {
    }

    /// <summary>QEMU has ended the connection. Both texts are libvirt's.</summary>
    /// <param name="socket">Null: in good order.</param>
    internal static MonitorClosedException ByQemu(SocketException? socket) => socket is null
        ? new(ErrorCode.InternalError, "End of file from qemu monitor", null)
        : new(ErrorCode.SystemError, $"Unable to read from monitor: {Marshal.GetPInvokeErrorMessage(socket.NativeErrorCode)}", socket)
        {
            Errno = socket.NativeErrorCode,
        };

    /// <summary>We gave the connection up, because what came over it is not QMP; QEMU did not end it.</summary>
    public bool IsProtocolError { get; init; }
}
