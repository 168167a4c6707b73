using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Wherry.Qmp;

/// <summary>Limits and surroundings of one <see cref="MonitorSession"/>.</summary>
public sealed record MonitorOptions
{
    /// <summary>Named in log lines and errors; the domain's name, or what is being probed.</summary>
    public required string Owner { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>
    /// For connect, greeting and capabilities together. 30 s: a QEMU with many gigabytes to allocate before it serves its monitor is
    /// slow, not broken.
    /// </summary>
    public TimeSpan ConnectDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// For a command's wait in its lane and for its reply together. 30 s: QEMU's main loop was seen blocked for 38 s in a stop with a slow
    /// mirror, so a missed deadline tells "slow", never "dead".
    /// </summary>
    public TimeSpan CommandDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest line accepted from QEMU, in bytes. The largest real one, query-qmp-schema, has about 240 KiB.</summary>
    public int MaxLineBytes { get; init; } = 10 * 1024 * 1024;

    /// <summary>Commands that may wait for the in-band lane. A caller beyond it is refused at once instead of queued for ever.</summary>
    public int MaxQueuedCommands { get; init; } = 256;

    /// <summary>
    /// Events held for a consumer that lags. Beyond it further events are dropped and <see cref="QmpEvent.Overflow"/> tells so: an event
    /// is only a hint that something changed, and reading on (replies!) matters more.
    /// </summary>
    public int EventCapacity { get; init; } = 4096;
}
