namespace Wherry.Qemu.Migration.Machines;

/// <summary>
/// Every time limit and count of a hand-over, with its default (migration.md C3-C5, C7, D5). Immutable; part of the attempt, so that a
/// change of configuration never reaches into a running migration.
/// </summary>
public sealed record MigrationLimits
{
    public static MigrationLimits Default { get; } = new();

    /// <summary>T_ctl: how long the control link to a wherry peer may be down before the memory is sent. With a stock peer it is 0,
    /// because a stock destination destroys its half of the guest as soon as its client's connection closes.</summary>
    public TimeSpan ControlLinkGrace { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>T_drain: as <see cref="ControlLinkGrace"/>, but while the guest is already stopped.</summary>
    public TimeSpan DrainLinkGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>S1: a managed client that called Begin and then never Perform.</summary>
    public TimeSpan BeginIdle { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>T_stall of a write-blocking mirror: no byte copied although some are owed, or no answer from QEMU at all. The guest's
    /// writes hang as long.</summary>
    public TimeSpan MirrorStall { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>T_stall of what holds up no guest: the memory stream, and a mirror before its first byte.</summary>
    public TimeSpan StreamStall { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>S5: soft cancel of all mirrors, guest stopped.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>S6: from migrate-continue to `completed`, guest stopped.</summary>
    public TimeSpan Switch { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>From migrate_cancel until the stream has ended; then it is yanked out of band. QEMU needs some 100 ms unless its destination hangs, and
    /// then the guest's writes to copied disks hang as well.</summary>
    public TimeSpan CancelStream { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>S8: pause before the second question; doubled after each until <see cref="AskAgainLongest"/>.</summary>
    public TimeSpan AskAgainFirst { get; init; } = TimeSpan.FromMilliseconds(200);
    public TimeSpan AskAgainLongest { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>S8p: pause before the second try to take a broken post-copy up again; doubled after each until the longest. The guest may
    /// stand still meanwhile, so it is tried for as long as both QEMUs live.</summary>
    public TimeSpan RecoverAgainFirst { get; init; } = TimeSpan.FromMilliseconds(500);
    public TimeSpan RecoverAgainLongest { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>S8, managed: how long the client may take over Finish and Confirm before we ask the peer ourselves. A stopped client
    /// must not leave the guest paused on both sides.</summary>
    public TimeSpan ClientFinish { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>S8: after this the operator is told NeedsDecision. The source goes on asking; it never times out into action.</summary>
    public TimeSpan HandedAlarm { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Between two tries to write a record that must be durable before anything else happens.</summary>
    public TimeSpan JournalRetry { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Between two tries of `cont`, and how many at the source before the operator is asked.</summary>
    public TimeSpan ContRetry { get; init; } = TimeSpan.FromSeconds(1);
    public int ContTries { get; init; } = 10;

    /// <summary>D5: how long QEMU may take over `cont`, and then over query-status, before it counts as silent.</summary>
    public TimeSpan ContSilence { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>SIGTERM, 10 s, SIGKILL, 5 s and reserve; then an alarm and again.</summary>
    public TimeSpan Kill { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>D4: from COMMIT until QEMU has loaded everything.</summary>
    public TimeSpan Load { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>C7: how long a stock source may take to answer the last question before INTENT. The guest stands still meanwhile, and a
    /// source that does not answer takes it back, so this is far below any keepalive's patience.</summary>
    public TimeSpan PingSource { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>D2, D3: an incoming guest nobody finishes.</summary>
    public TimeSpan IncomingIdle { get; init; } = TimeSpan.FromHours(24);

    /// <summary>D3: how long a guest that has arrived whole is kept for an operator's decision, once the source has been silent for
    /// <see cref="ControlLinkGrace"/>. The source may have died with its copy; a host that is only cut off asks again.</summary>
    public TimeSpan HoldLoaded { get; init; } = TimeSpan.FromHours(1);

    /// <summary>C7: between two looks at a stock peer, and how long until the operator is told.</summary>
    public TimeSpan LookAgain { get; init; } = TimeSpan.FromSeconds(2);
    public TimeSpan LookFor { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>C7, `legacy_absent=reclaim`: with shared disks, take "absent twice at a stock peer" for "never ran". Off, because the guest
    /// may have run there for an instant and written to the shared disks.</summary>
    public bool LegacyAbsentReclaims { get; init; }
}
