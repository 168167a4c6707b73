namespace Wherry.Rpc;

/// <summary>
/// One RPC program (remote, qemu, wherry peer...) as the dispatcher sees it. Implementations are generated from handler classes marked
/// <c>[RpcProgram]</c>; they decode, call the handler and encode, and leave errors to the dispatcher.
/// </summary>
public interface IRpcProgram
{
    uint Number { get; }

    uint Version { get; }

    /// <summary>What may call the procedure, or null when this program has no such procedure.</summary>
    ProcedureTraits? Find(int procedure);

    /// <summary>
    /// Answers one call: exactly one of <see cref="ServerCall.Reply{T}"/> and <see cref="ServerCall.ReplyEmpty"/>, or an exception, which
    /// the dispatcher turns into an error reply. Called concurrently, also for one session.
    /// </summary>
    /// <param name="procedure">The procedure's number; <see cref="Find"/> knew it.</param>
    /// <param name="call">The call. Its payload is valid only until the returned task completes.</param>
    /// <param name="ct">
    /// Cancelled when the server ends, never because the client went away: an operation that began is finished, as libvirt does. A
    /// handler that should stop with its client looks at <see cref="ServerSession.Closed"/>.
    /// </param>
    ValueTask InvokeAsync(int procedure, ServerCall call, CancellationToken ct);
}
