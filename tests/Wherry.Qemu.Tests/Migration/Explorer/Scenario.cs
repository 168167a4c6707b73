using System.Collections.Immutable;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>One rule of the protocol taken away, by a shell that betrays the machine. The machines themselves have no such switch.</summary>
internal enum Ablation
{
    None,

    /// <summary>The source says that HANDED is durable without writing it.</summary>
    NoHanded,

    /// <summary>Messages carry no attempt id: a late one is taken for one of this attempt.</summary>
    NoId,

    /// <summary>The destination takes its QEMU's "completed" for COMMIT.</summary>
    Unattended,

    /// <summary>The destination answers RUN as soon as INTENT is on disk.</summary>
    IntentVisible,

    /// <summary>RAN does not survive a reboot of the destination host.</summary>
    LoseRun,

    /// <summary>A restarted destination takes "INTENT and QEMU dead" for "never ran".</summary>
    TrustDead,

    /// <summary>The operator says that a host is off, and it is not.</summary>
    FencingIsProved,

    /// <summary>A source that finds its copy dead is free to start the guest anew, and asks nobody.</summary>
    DeadIsFree,

    /// <summary>The source takes RUN in post-copy for the end, without waiting for its QEMU's `completed`.</summary>
    RunIsPaid,

    /// <summary>The source takes post-copy back as any migration, without looking at who runs.</summary>
    PostCopyIsCancelled,
}

/// <summary>What may go wrong in one exploration, and how often.</summary>
internal sealed record Scenario
{
    public MigrationMode Mode { get; init; } = MigrationMode.PeerToPeer;
    public int Attempts { get; init; } = 2;
    public int Crashes { get; init; } = 2;

    /// <summary>Each QEMU may be killed once, at any moment.</summary>
    public bool QemuKills { get; init; }

    /// <summary>Durable writes that may fail, per daemon; each either certainly (ENOSPC) or leaving it open what is on disk.</summary>
    public int JournalFailures { get; init; }

    /// <summary>An operator may power the destination host off for good and then force the source (C6).</summary>
    public bool Fencing { get; init; }

    /// <summary>An operator may power the source host off for good, at any moment, and then force the destination.</summary>
    public bool FencingOfSource { get; init; }

    /// <summary>"For good" was not: the fenced source is switched on again, and its user starts the guest as soon as he may.</summary>
    public bool SourceReturns { get; init; }
    public bool CopiesDisks { get; init; }

    /// <summary>The user switches to post-copy, or not; its connection may break at any time.</summary>
    public bool PostCopy { get; init; }
    public GuestRunState PreState { get; init; }
    public Ablation Without { get; init; }

    /// <summary>Look for these invariants alone; none named: for all of them.</summary>
    public ImmutableArray<string> Only { get; init; } = [];

    public bool LooksFor(string invariant) => Only.IsEmpty || Only.Contains(invariant);

    /// <summary>Stop with an error above this many states: a machine that counts something without bound.</summary>
    public int MaxStates { get; init; } = 30_000_000;

    public override string ToString() => string.Join(' ', Words());

    private IEnumerable<string> Words()
    {
        yield return Mode == MigrationMode.Managed ? "managed" : "p2p";
        yield return $"crash={Crashes}";
        yield return $"attempts={Attempts}";
        if (QemuKills) yield return "qemu-kills=1";
        if (JournalFailures > 0) yield return $"journal-failures={JournalFailures}";
        if (Fencing) yield return "fencing";
        if (FencingOfSource) yield return "fencing-of-source";
        if (SourceReturns) yield return "source-returns";
        if (CopiesDisks) yield return "disks";
        if (PostCopy) yield return "post-copy";
        if (PreState == GuestRunState.Paused) yield return "paused";
        if (Without != Ablation.None) yield return $"without={Without}";
    }
}
