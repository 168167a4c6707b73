using Microsoft.Extensions.Logging;

namespace Wherry.Qmp;

/// <summary>Log messages of the monitor; ids 2xxx.</summary>
internal static partial class QmpLog
{
    [LoggerMessage(2001, LogLevel.Debug, "monitor of {Owner}: connected to QEMU {Version}, capabilities {Capabilities}")]
    public static partial void Connected(ILogger logger, string owner, string version, string capabilities);

    [LoggerMessage(2002, LogLevel.Debug, "monitor of {Owner}: closed: {Reason}")]
    public static partial void Closed(ILogger logger, string owner, string reason);

    [LoggerMessage(2003, LogLevel.Warning, "monitor of {Owner}: reply with unknown id {Id} dropped")]
    public static partial void UnknownReplyDropped(ILogger logger, string owner, string id);

    [LoggerMessage(2004, LogLevel.Information, "monitor of {Owner}: late reply to '{Command}' dropped")]
    public static partial void LateReplyDropped(ILogger logger, string owner, string command);

    [LoggerMessage(2005, LogLevel.Warning, "monitor of {Owner}: no reply to '{Command}' within {Seconds} s (sent: {WasSent})")]
    public static partial void DeadlineMissed(ILogger logger, string owner, string command, double seconds, bool wasSent);

    [LoggerMessage(2006, LogLevel.Warning, "monitor of {Owner}: {Count} events dropped, their reader lags")]
    public static partial void EventsDropped(ILogger logger, string owner, long count);

    [LoggerMessage(2007, LogLevel.Warning, "monitor of {Owner}: neither reply nor event, dropped: {Line}")]
    public static partial void UnknownMessageDropped(ILogger logger, string owner, string line);

    [LoggerMessage(2011, LogLevel.Warning, "monitor of {Owner}: the reply to '{Command}' is lost, QEMU has answered a later command")]
    public static partial void ReplyLost(ILogger logger, string owner, string command);

    [LoggerMessage(2010, LogLevel.Warning, "capabilities of {Emulator} could not be cached")]
    public static partial void CapabilitiesNotCached(ILogger logger, string emulator, Exception exception);

    [LoggerMessage(2008, LogLevel.Trace, "monitor of {Owner}: > {Line}")]
    public static partial void LineSent(ILogger logger, string owner, string line);

    [LoggerMessage(2009, LogLevel.Trace, "monitor of {Owner}: < {Line}")]
    public static partial void LineReceived(ILogger logger, string owner, string line);
}
