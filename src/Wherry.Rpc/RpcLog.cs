using Microsoft.Extensions.Logging;
using Wherry.Rpc.Client;
using Wherry.Rpc.KeepAlive;
using Wherry.Wire.Frames;

namespace Wherry.Rpc;

/// <summary>
/// Every log message of this assembly: ids 1000 to 1999. Each names its connection as "client=", incoming and outgoing alike; the
/// keepalive ones have the words of libvirt's, which operators and their scripts search for.
/// </summary>
internal static partial class RpcLog
{
    [LoggerMessage(1000, LogLevel.Information, "Listening on {Listener} (read-only: {IsReadOnly})")]
    public static partial void Listening(ILogger logger, string listener, bool isReadOnly);

    [LoggerMessage(1001, LogLevel.Debug, "{Session}: connected (read-only: {IsReadOnly})")]
    public static partial void ClientConnected(ILogger logger, ServerSession session, bool isReadOnly);

    [LoggerMessage(1002, LogLevel.Debug, "{Session}: gone: {Reason}")]
    public static partial void ClientGone(ILogger logger, ServerSession session, string reason);

    [LoggerMessage(1003, LogLevel.Warning, "{Listener}: {Limit} of {Count} is reached; new clients wait")]
    public static partial void ClientsWait(ILogger logger, string listener, string limit, int count);

    [LoggerMessage(1004, LogLevel.Error, "{Message}; trying again in {Delay}")]
    public static partial void AcceptDelayed(ILogger logger, string message, TimeSpan delay);

    [LoggerMessage(1005, LogLevel.Critical, "{Listener}: no longer accepts clients, so the server ends")]
    public static partial void AcceptEnded(ILogger logger, Exception exception, string listener);

    [LoggerMessage(1006, LogLevel.Error, "Calls of clients still run {Deadline} after they were cancelled; not waiting for them")]
    public static partial void StopTimedOut(ILogger logger, TimeSpan deadline);

    [LoggerMessage(1010, LogLevel.Warning, "{Session}: {MaxRequests} requests in progress and {MaxReadAhead} waiting; not reading on until one ends. Consider raising max_client_requests")]
    public static partial void ReadingPaused(ILogger logger, ServerSession session, int maxRequests, int maxReadAhead);

    [LoggerMessage(1011, LogLevel.Warning, "{Session}: does not read its events: {MaxEvents} of them or {MaxBytes} bytes wait, so it is cut off")]
    public static partial void EventsNotRead(ILogger logger, ServerSession session, int maxEvents, int maxBytes);

    [LoggerMessage(1012, LogLevel.Error, "{Session}: a callback of its end failed")]
    public static partial void ClosedCallbackFailed(ILogger logger, Exception exception, ServerSession session);

    [LoggerMessage(1013, LogLevel.Error, "{Session}: failed unexpectedly, so it is closed")]
    public static partial void ConnectionFailed(ILogger logger, Exception exception, ServerSession session);

    [LoggerMessage(1014, LogLevel.Warning, "{Listener}: {Peer}: refused before its first frame: {Reason}")]
    public static partial void HandshakeFailed(ILogger logger, string listener, PeerIdentity peer, string reason);

    [LoggerMessage(1015, LogLevel.Warning, "{Complaint}")]
    public static partial void CertificateDoubtful(ILogger logger, string complaint);

    [LoggerMessage(1020, LogLevel.Information, "{Session}: message dropped: type {Type} program {Program:x} version {Version} procedure {Procedure} serial {Serial}")]
    public static partial void MessageDropped(
        ILogger logger, ServerSession session, MessageType type, uint program, uint version, int procedure, uint serial);

    [LoggerMessage(1021, LogLevel.Debug, "{Session}: procedure {Procedure} of program {Program:x} serial {Serial}: error {Code}: {Text}")]
    public static partial void CallRefused(
        ILogger logger, ServerSession session, uint program, int procedure, uint serial, int code, string text);

    [LoggerMessage(1023, LogLevel.Warning, "{Session}: procedure {Procedure} of program {Program:x} serial {Serial}: the host does not let it: {Text}")]
    public static partial void HostRefused(ILogger logger, ServerSession session, uint program, int procedure, uint serial, string text);

    [LoggerMessage(1022, LogLevel.Error, "{Session}: procedure {Procedure} of program {Program:x} serial {Serial} failed unexpectedly")]
    public static partial void CallFailed(
        ILogger logger, Exception exception, ServerSession session, uint program, int procedure, uint serial);

    [LoggerMessage(1025, LogLevel.Information, "{Connection}: connected")]
    public static partial void ServerConnected(ILogger logger, ClientConnection connection);

    [LoggerMessage(1026, LogLevel.Information, "{Connection}: gone: {Reason}")]
    public static partial void ServerGone(ILogger logger, ClientConnection connection, string reason);

    [LoggerMessage(1027, LogLevel.Information, "{Connection}: message dropped: type {Type} program {Program:x} procedure {Procedure} serial {Serial}")]
    public static partial void ServerMessageDropped(
        ILogger logger, ClientConnection connection, MessageType type, uint program, int procedure, uint serial);

    [LoggerMessage(1030, LogLevel.Debug, "RPC_KEEPALIVE_NEW: ka={Client} client={Client} interval={Interval} count={Count}")]
    public static partial void KeepAliveNew(ILogger logger, long client, double interval, int count);

    [LoggerMessage(1031, LogLevel.Debug, "RPC_KEEPALIVE_START: ka={Client} client={Client}")]
    public static partial void KeepAliveStart(ILogger logger, long client);

    [LoggerMessage(1032, LogLevel.Trace, "RPC_KEEPALIVE_RECEIVED: ka={Client} client={Client} message={Message}")]
    public static partial void KeepAliveReceived(ILogger logger, long client, KeepAliveMessage message);

    [LoggerMessage(1033, LogLevel.Information, "RPC_KEEPALIVE_TIMEOUT: ka={Client} client={Client} countToDeath={CountToDeath} idle={Idle}")]
    public static partial void KeepAliveTimeout(ILogger logger, long client, int countToDeath, long idle);

    [LoggerMessage(1034, LogLevel.Warning, "No response from client={Client} after {Count} keepalive messages in {Idle} seconds")]
    public static partial void KeepAliveNoResponse(ILogger logger, long client, int count, long idle);

    [LoggerMessage(1035, LogLevel.Error, "internal error: connection closed due to keepalive timeout: client={Client}")]
    public static partial void KeepAliveClosed(ILogger logger, long client);
}
