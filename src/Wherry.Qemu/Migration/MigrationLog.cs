using Microsoft.Extensions.Logging;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration;

/// <summary>Log messages of migrations: 4xxx.</summary>
internal static partial class MigrationLog
{
    [LoggerMessage(4001, LogLevel.Information, "migration {Id} of domain '{Domain}': source {State}")]
    public static partial void SourceState(ILogger logger, HandoverId id, string domain, string state);

    [LoggerMessage(4002, LogLevel.Information, "migration {Id} of domain '{Domain}': destination {State}")]
    public static partial void DestinationState(ILogger logger, HandoverId id, string domain, string state);

    [LoggerMessage(4003, LogLevel.Information, "migration {Id} of domain '{Domain}': {Outcome}")]
    public static partial void Outcome(ILogger logger, HandoverId id, string domain, string outcome);

    [LoggerMessage(4004, LogLevel.Error, "migration {Id} of domain '{Domain}' needs attention: {Text}")]
    public static partial void Alarm(ILogger logger, HandoverId id, string domain, string text);

    [LoggerMessage(4005, LogLevel.Error, "migration {Id} of domain '{Domain}': record {Phase} could not be written: {Error}")]
    public static partial void JournalFailed(ILogger logger, HandoverId id, string domain, string phase, string error);

    [LoggerMessage(4006, LogLevel.Warning, "migration {Id} of domain '{Domain}': the destination answered Finish with an error, asking what became of the guest: {Error}")]
    public static partial void FinishRefused(ILogger logger, HandoverId id, string domain, string error);

    [LoggerMessage(4026, LogLevel.Warning, "migration {Id} of domain '{Domain}': the destination runs the guest, and its cookie for Confirm cannot be read: {Error}")]
    public static partial void FinishCookieUnreadable(ILogger logger, HandoverId id, string domain, string error);

    [LoggerMessage(4007, LogLevel.Warning, "migration {Id} of domain '{Domain}': no answer from the peer: {Error}")]
    public static partial void PeerSilent(ILogger logger, HandoverId id, string domain, string error);

    [LoggerMessage(4008, LogLevel.Warning, "migration {Id} of domain '{Domain}': {Effect} failed: {Error}")]
    public static partial void EffectFailed(ILogger logger, HandoverId id, string domain, string effect, string error);

    [LoggerMessage(4009, LogLevel.Error, "hand-over record '{File}' cannot be read, and its guest needs a person: {Reason}")]
    public static partial void RecordDamaged(ILogger logger, string file, string reason);

    [LoggerMessage(4010, LogLevel.Information, "migration {Id} of domain '{Domain}': resumed after a restart of the daemon as {Record}")]
    public static partial void Recovered(ILogger logger, HandoverId id, string domain, string record);

    [LoggerMessage(4013, LogLevel.Information, "migration {Id} of domain '{Domain}' is given up here: {Why}")]
    public static partial void Aborting(ILogger logger, HandoverId id, string domain, string why);

    [LoggerMessage(4012, LogLevel.Warning, "migration {Id} of domain '{Domain}': the destination was not told yet that it is over: {Error}")]
    public static partial void PeerNotTold(ILogger logger, HandoverId id, string domain, string error);

    [LoggerMessage(4022, LogLevel.Information, "migration {Id} of domain '{Domain}': {Peer} knows now that it is over")]
    public static partial void PeerToldLate(ILogger logger, HandoverId id, string domain, string peer);

    [LoggerMessage(4023, LogLevel.Error, "migration {Id} of domain '{Domain}' ended here, and {Peer} runs the guest")]
    public static partial void PeerRunsAsWell(ILogger logger, HandoverId id, string domain, string peer);

    [LoggerMessage(4025, LogLevel.Information, "migration {Id} of domain '{Domain}' is over, and {Peer} runs the guest")]
    public static partial void PeerRunsIt(ILogger logger, HandoverId id, string domain, string peer);

    [LoggerMessage(4024, LogLevel.Warning, "migration {Id} of domain '{Domain}': {Peer} is not told any more that it is over: {Why}")]
    public static partial void PeerNeverTold(ILogger logger, HandoverId id, string domain, string peer, string why);

    [LoggerMessage(4014, LogLevel.Warning, "migration {Id} of domain '{Domain}': {Why} in post-copy, making another connection")]
    public static partial void PostCopyStalled(ILogger logger, HandoverId id, string domain, string why);

    [LoggerMessage(4015, LogLevel.Information, "migration {Id} of domain '{Domain}': post-copy goes on over another connection")]
    public static partial void PostCopyRecovered(ILogger logger, HandoverId id, string domain);

    [LoggerMessage(4016, LogLevel.Warning, "migration {Id} of domain '{Domain}': post-copy could not be taken up again yet: {Error}")]
    public static partial void PostCopyNotRecovered(ILogger logger, HandoverId id, string domain, string error);

    [LoggerMessage(4017, LogLevel.Information, "the definition of domain '{Domain}' has moved, offline")]
    public static partial void MovedOffline(ILogger logger, string domain);

    [LoggerMessage(4018, LogLevel.Error, "migration {Id} is in doubt: {Text}")]
    public static partial void InDoubt(ILogger logger, HandoverId id, string text);

    [LoggerMessage(4019, LogLevel.Warning, "migration {Id} of domain '{Domain}' is forced: {By} states that host '{Host}' is powered off")]
    public static partial void Fenced(ILogger logger, HandoverId id, string domain, string host, string by);

    [LoggerMessage(4020, LogLevel.Warning, "migration {Id} of domain '{Domain}': {Concern}")]
    public static partial void DoesNotConverge(ILogger logger, HandoverId id, string domain, string concern);

    [LoggerMessage(4021, LogLevel.Information, "migration {Id} of domain '{Domain}' converges again")]
    public static partial void Converges(ILogger logger, HandoverId id, string domain);

    [LoggerMessage(4011, LogLevel.Critical, "migration {Id} of domain '{Domain}': internal error, the hand-over stays as recorded")]
    public static partial void Broken(ILogger logger, Exception cause, HandoverId id, string domain);
}
