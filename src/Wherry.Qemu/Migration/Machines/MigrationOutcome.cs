using System.Text.Json.Serialization;

namespace Wherry.Qemu.Migration.Machines;

/// <summary>Why a migration did not go through; the handler chooses libvirt's error code from the kind.</summary>
public enum FailureKind
{
    /// <summary>AbortJob, or the client gave up by Confirm(cancelled) / Finish(cancelled).</summary>
    Cancelled,
    ClientGone,
    PeerRefused,
    PeerAborted,
    LinkLost,
    MirrorFailed,
    StreamFailed,
    TimedOut,
    QemuDied,
    ContRefused,
    JournalWrite,
    DaemonRestarted,

    /// <summary>An operator proved the other host off and took the guest back (C6).</summary>
    Fenced,
    LaunchFailed,
    LoadFailed,

    /// <summary>Post-copy lost one of its two QEMUs: the guest's memory is nowhere complete.</summary>
    PostCopyLost,
}

/// <summary>A cause with the text an operator reads: it names peer, disk or file.</summary>
public sealed record Failure(FailureKind Kind, string Text);

/// <summary>The words a migration can end in; the last one in post-copy only.</summary>
[JsonDerivedType(typeof(Moved), "moved")]
[JsonDerivedType(typeof(StayedOnSource), "stayedOnSource")]
[JsonDerivedType(typeof(NeedsDecision), "needsDecision")]
[JsonDerivedType(typeof(PostCopyLost), "postCopyLost")]
public abstract record MigrationOutcome
{
    private MigrationOutcome()
    {
    }

    /// <summary>The guest is at the destination; the source copy is gone.</summary>
    public sealed record Moved : MigrationOutcome;

    /// <summary>The guest is at the source as if nothing had been tried.</summary>
    /// <param name="Why">What stopped the migration.</param>
    /// <param name="GuestDied">The source QEMU died meanwhile: the guest is shut off here (crashed), and nowhere else.</param>
    public sealed record StayedOnSource(Failure Why, bool GuestDied = false) : MigrationOutcome;

    /// <summary>We may not decide alone. The guest is paused here, complete; nothing is lost.</summary>
    /// <param name="Reason">What is not known, and about which peer.</param>
    /// <param name="Command">What the operator can do about it, with HOST for the peer's name and DOMAIN for the guest's.</param>
    public sealed record NeedsDecision(string Reason, string Command) : MigrationOutcome;

    /// <summary>The guest ran at the destination, and a QEMU that held part of its memory has died: no host has all of it.</summary>
    /// <param name="Why">Which one, and how that is known.</param>
    public sealed record PostCopyLost(Failure Why) : MigrationOutcome;
}
