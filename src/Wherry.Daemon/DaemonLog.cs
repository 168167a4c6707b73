using Microsoft.Extensions.Logging;

namespace Wherry.Daemon;

/// <summary>Log messages of the daemon as a whole, 3100-3199.</summary>
internal static partial class DaemonLog
{
    [LoggerMessage(3100, LogLevel.Information, "wherryd {Version} starts: pid={Pid} host '{Hostname}' {HostUuid}, state in {State}, configuration in {Config}")]
    public static partial void Starting(ILogger logger, string version, int pid, string hostname, Guid hostUuid, string state, string config);

    [LoggerMessage(3101, LogLevel.Information, "serving {Uri}: {Domains} domains, {Active} of them running")]
    public static partial void Serving(ILogger logger, string uri, int domains, int active);

    [LoggerMessage(3102, LogLevel.Information, "stopping on {Signal}; running domains go on")]
    public static partial void Stopping(ILogger logger, string signal);

    [LoggerMessage(3103, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(3104, LogLevel.Warning, "unknown setting, without effect: {Place}")]
    public static partial void UnknownSetting(ILogger logger, string place);
}
