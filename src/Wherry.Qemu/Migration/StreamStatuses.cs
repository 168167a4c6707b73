using System.Collections.Immutable;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qmp.Values;

namespace Wherry.Qemu.Migration;

/// <summary>QEMU's words about a migration, as the machines tell them apart.</summary>
internal static class StreamStatuses
{
    /// <summary>What our cookies say our QEMUs can, and always turn on: source pause-before-switchover, destination late-block-activate.</summary>
    public static ImmutableArray<CookieCapability> CookieCapabilities { get; } =
    [
        new("xbzrle", false), new("auto-converge", false), new("events", false), new("postcopy-ram", false),
        new("pause-before-switchover", true), new("late-block-activate", true), new("multifd", false), new("return-path", false),
    ];

    public static StreamStatus Of(MigrationStatus? status) => status?.Value switch
    {
        null or "none" or "setup" => StreamStatus.None,
        "pre-switchover" => StreamStatus.PreSwitchover,
        "device" => StreamStatus.Device,
        "completed" => StreamStatus.Completed,
        "failed" => StreamStatus.Failed,
        "cancelled" => StreamStatus.Cancelled,
        "postcopy-active" => StreamStatus.PostCopyActive,
        "postcopy-paused" => StreamStatus.PostCopyPaused,
        "postcopy-recover" or "postcopy-recover-setup" => StreamStatus.PostCopyRecovering,

        // Cancelling, wait-unplug, and whatever newer QEMUs add: not finished, nothing decided.
        _ => StreamStatus.Active,
    };

    /// <summary>The destination can run the guest, whether or not the rest of the memory can follow just now.</summary>
    public static bool IsPostCopy(StreamStatus status) =>
        status is StreamStatus.PostCopyActive or StreamStatus.PostCopyPaused or StreamStatus.PostCopyRecovering;

    public static bool HasEnded(StreamStatus status) => status is StreamStatus.Completed or StreamStatus.Failed or StreamStatus.Cancelled;
}
