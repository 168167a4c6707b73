using Microsoft.Extensions.Logging;
using Wherry.Errors;
using Wherry.Rpc.Client;
using Wherry.Rpc.Frames;
using Wherry.Wire.Frames;

namespace Wherry.Rpc;

/// <summary>
/// Turns one received frame into its reply: which program and procedure, may this session call it, and the one place where exceptions
/// become <c>remote_error</c>. Codes and texts are those of libvirt's virnetserverprogram.c, compared with a running libvirtd 9.0.
/// </summary>
/// <param name="ready">Calls wait for it; cancelled when they need wait no longer.</param>
internal sealed class Dispatcher(IReadOnlyList<IRpcProgram> programs, Task ready, ILogger logger)
{
    /// <summary>The call needs a place in the priority lane.</summary>
    public bool IsPriority(in MessageHeader header) => Find(header)?.Find(header.Procedure)?.Priority ?? false;

    /// <summary>The reply, or null for a frame that nobody waits for.</summary>
    public async Task<OutgoingFrame?> AnswerAsync(ServerSession session, IncomingFrame frame, CancellationToken ct)
    {
        var header = frame.Header;
        if (header.Type is not (MessageType.Call or MessageType.CallWithFds))
        {
            RpcLog.MessageDropped(logger, session, header.Type, header.Program, header.Version, header.Procedure, header.Serial);
            return null;
        }

        try
        {
            if (!ready.IsCompletedSuccessfully) await ready.WaitAsync(ct).ConfigureAwait(false);
            var call = new ServerCall(session, header, frame.Payload);
            await InvokeAsync(call, ct).ConfigureAwait(false);
            return call.TakeReply();
        }
        catch (WherryException e)
        {
            RpcLog.CallRefused(logger, session, header.Program, header.Procedure, header.Serial, (int)e.Code, e.Message);
            return OutgoingFrame.ErrorReply(header, e);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested || ready.IsCanceled)
        {
            return OutgoingFrame.ErrorReply(header, new WherryException(ErrorCode.OperationAborted, "the daemon ends", ErrorDomain.Rpc));
        }
        catch (ConnectionLostException e)
        {
            RpcLog.CallRefused(logger, session, header.Program, header.Procedure, header.Serial, (int)ErrorCode.InternalError, e.Message);
            return OutgoingFrame.ErrorReply(header, new WherryException(ErrorCode.InternalError, e.Message, ErrorDomain.Rpc));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk or a missing permission is the host's condition, not our mistake: the caller can do something about it.
            RpcLog.HostRefused(logger, session, header.Program, header.Procedure, header.Serial, e.Message);
            return OutgoingFrame.ErrorReply(header, new WherryException(ErrorCode.SystemError, e.Message, inner: e));
        }
        catch (Exception e)
        {
            RpcLog.CallFailed(logger, e, session, header.Program, header.Procedure, header.Serial);
            return OutgoingFrame.ErrorReply(header, new WherryException(
                ErrorCode.InternalError, $"procedure {header.Procedure} failed: see the daemon's log for serial {header.Serial} of client {session.Id}", ErrorDomain.Rpc));
        }
    }

    private ValueTask InvokeAsync(ServerCall call, CancellationToken ct)
    {
        var header = call.Header;
        var program = Find(header) ?? throw Refuse($"Cannot find program {(int)header.Program} version {(int)header.Version}");
        if (header.Status != MessageStatus.Ok) throw Refuse($"Unexpected message status {(uint)header.Status}");
        var traits = program.Find(header.Procedure) ?? throw Refuse($"unknown procedure: {header.Procedure}");
        // Not AUTH_FAILED: libvirt's clients look for this code and text.
        if (!traits.BeforeAuth && !call.Session.IsAuthenticated) throw Refuse("authentication required");
        if (!traits.AllowReadOnly && call.Session.IsReadOnly)
            throw ReadOnlyRefusal(traits.ApiName ?? $"procedure {header.Procedure}");
        return program.InvokeAsync(header.Procedure, call, ct);
    }

    private IRpcProgram? Find(in MessageHeader header)
    {
        foreach (var program in programs)
        {
            if (program.Number == header.Program && program.Version == header.Version) return program;
        }

        return null;
    }

    /// <summary>libvirt's API layer refuses these, and each of its files has its own domain: libvirt-qemu.c none, the others their object's.</summary>
    private static WherryException ReadOnlyRefusal(string apiName) => new(
        ErrorCode.OperationDenied,
        $"read only access prevents {apiName}",
        apiName.Contains("DomainQemu", StringComparison.Ordinal) ? ErrorDomain.None
            : apiName.Contains("Storage", StringComparison.Ordinal) ? ErrorDomain.Storage
            : ErrorDomain.Domain);

    private static WherryException Refuse(string message) => new(ErrorCode.Rpc, message, ErrorDomain.Rpc);
}
