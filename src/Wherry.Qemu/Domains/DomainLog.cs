using Microsoft.Extensions.Logging;

namespace Wherry.Qemu.Domains;

/// <summary>Log messages of domains, 3000-3099.</summary>
internal static partial class DomainLog
{
    [LoggerMessage(3000, LogLevel.Information, "domain '{Name}' {Uuid} defined")]
    public static partial void Defined(ILogger logger, string name, Guid uuid);

    [LoggerMessage(3001, LogLevel.Information, "domain '{Name}' {Uuid} undefined")]
    public static partial void Undefined(ILogger logger, string name, Guid uuid);

    [LoggerMessage(3002, LogLevel.Information, "domain '{Name}' started: id={Id} pid={Pid} in {ElapsedMs} ms")]
    public static partial void Started(ILogger logger, string name, int id, int pid, long elapsedMs);

    [LoggerMessage(3003, LogLevel.Warning, "domain '{Name}' did not start: {Reason}")]
    public static partial void NotStarted(ILogger logger, string name, string reason);

    [LoggerMessage(3004, LogLevel.Information, "domain '{Name}' destroyed by request: graceful={Graceful}")]
    public static partial void Destroyed(ILogger logger, string name, bool graceful);

    [LoggerMessage(3005, LogLevel.Information, "domain '{Name}' stopped: pid={Pid} is now {Status}")]
    public static partial void Stopped(ILogger logger, string name, int pid, string status);

    [LoggerMessage(3006, LogLevel.Information, "domain '{Name}' was transient and is forgotten")]
    public static partial void Forgotten(ILogger logger, string name);

    [LoggerMessage(3007, LogLevel.Information, "domain '{Name}' ends because the client it was bound to has gone")]
    public static partial void Autodestroying(ILogger logger, string name);

    [LoggerMessage(3008, LogLevel.Warning, "domain '{Name}': left-overs of its run could not be removed: {Reason}")]
    public static partial void RunFilesRemain(ILogger logger, string name, string reason);

    [LoggerMessage(3009, LogLevel.Error, "domain '{Name}' crashed: pid={Pid} ended without a word; the end of its log:\n{LogTail}")]
    public static partial void Crashed(ILogger logger, string name, int pid, string logTail);

    [LoggerMessage(3010, LogLevel.Error, "domain '{Name}': pid={Pid} closed its monitor but lives on; ending it")]
    public static partial void LivesWithoutMonitor(ILogger logger, string name, int pid);

    [LoggerMessage(3011, LogLevel.Error, "domain '{Name}': {What} failed")]
    public static partial void ReactionFailed(ILogger logger, Exception e, string name, string what);

    [LoggerMessage(3012, LogLevel.Information, "domain '{Name}' re-attached: pid={Pid} is {Status}")]
    public static partial void Reattached(ILogger logger, string name, int pid, string status);

    [LoggerMessage(3013, LogLevel.Warning, "domain '{Name}' was running under an earlier daemon and is gone: pid={Pid}")]
    public static partial void GoneMeanwhile(ILogger logger, string name, int pid);

    [LoggerMessage(3014, LogLevel.Error, "'{Path}' cannot be understood and is kept as '{KeptAs}': {Problem}")]
    public static partial void FileSetAside(ILogger logger, string path, string keptAs, string problem);

    [LoggerMessage(3015, LogLevel.Error, "domain '{Name}': its live status could not be written; a daemon restart would lose it: {Reason}")]
    public static partial void StatusNotWritten(ILogger logger, string name, string reason);

    [LoggerMessage(3016, LogLevel.Error, "domain '{Name}' could not be re-attached: pid={Pid}: {Reason}")]
    public static partial void NotReattached(ILogger logger, string name, int pid, string reason);

    [LoggerMessage(3017, LogLevel.Error, "domain '{Name}' is marked autostart and could not be started: {Reason}")]
    public static partial void NotAutostarted(ILogger logger, string name, string reason);

    [LoggerMessage(3018, LogLevel.Warning, "domain '{Name}': pid={Pid} lives but has not answered for {Seconds} s; still asking")]
    public static partial void NotAnswering(ILogger logger, string name, int pid, double seconds);

    [LoggerMessage(3019, LogLevel.Warning, "ended a QEMU whose start an earlier daemon did not finish: {MonitorPath}")]
    public static partial void OrphanEnded(ILogger logger, string monitorPath);

    [LoggerMessage(3020, LogLevel.Warning, "domain '{Name}': the guest has panicked: {Information}")]
    public static partial void Panicked(ILogger logger, string name, string information);

    [LoggerMessage(3021, LogLevel.Information, "domain '{Name}': memory dumped to '{Path}' because of {Cause}")]
    public static partial void Dumped(ILogger logger, string name, string path, string cause);

    [LoggerMessage(3022, LogLevel.Warning, "domain '{Name}': its log could not be written: {Reason}")]
    public static partial void LogNotWritten(ILogger logger, string name, string reason);

    [LoggerMessage(3023, LogLevel.Error, "domain '{Name}': the monitor of pid={Pid} cannot be used any more; the guest goes on: {Reason}")]
    public static partial void MonitorUnusable(ILogger logger, string name, int pid, string reason);

    [LoggerMessage(3024, LogLevel.Error, "domain '{Name}': pid={Pid} survives SIGKILL; its end is awaited")]
    public static partial void EndsLater(ILogger logger, string name, int pid);

    [LoggerMessage(3025, LogLevel.Warning, "domain '{Name}': an earlier daemon was stopped in the midst of: {Job}")]
    public static partial void JobInterrupted(ILogger logger, string name, string job);

    [LoggerMessage(3026, LogLevel.Error, "'{Path}' is of a later version and is left alone: {Problem}")]
    public static partial void FileOfLaterVersion(ILogger logger, string path, string problem);

    [LoggerMessage(3027, LogLevel.Error, "'{Domain}' runs at '{MonitorPath}' and its status cannot be read; it is left alone and not started again")]
    public static partial void UnknownRun(ILogger logger, string domain, string monitorPath);

    [LoggerMessage(3028, LogLevel.Information, "domain '{Name}': lifecycle action {Event} is {Action} now")]
    public static partial void LifecycleActionSet(ILogger logger, string name, string @event, string action);

    [LoggerMessage(3080, LogLevel.Information, "domain '{OldName}' {Uuid} renamed to '{Name}'")]
    public static partial void Renamed(ILogger logger, string oldName, string name, Guid uuid);

    [LoggerMessage(3081, LogLevel.Error, "definition '{Name}' is left out: {Reason}")]
    public static partial void DefinitionLeftOut(ILogger logger, string name, string reason);

    [LoggerMessage(3082, LogLevel.Warning, "domain '{Name}': its control group '{Path}' could not be removed: errno {Errno}")]
    public static partial void CgroupRemains(ILogger logger, string name, string path, int errno);

    [LoggerMessage(3083, LogLevel.Warning, "domain '{Name}': port '{Port}' is still in its switch: {Reason}")]
    public static partial void PortRemains(ILogger logger, string name, string port, string reason);

    [LoggerMessage(3084, LogLevel.Information, "removed what a run that is over had left: {Path}")]
    public static partial void AbandonedRunRemoved(ILogger logger, string path);
}
