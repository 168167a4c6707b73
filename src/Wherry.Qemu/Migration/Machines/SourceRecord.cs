namespace Wherry.Qemu.Migration.Machines;

/// <summary>
/// What the source's disk says about the right to run. OWN has sub-phases (C3) which tell the next daemon what there is to undo;
/// all of them mean the same for the guest: the source holds the right, and no COMMIT has left this host.
/// </summary>
internal enum SourcePhase
{
    OwnBegin,
    OwnPrepare,
    OwnCopy,

    /// <summary>From `migrate` until `completed`. Nothing is written while the guest stands: the parts of OWN mean the same to a restart, and
    /// each sync of a disk would add to the guest's silence.</summary>
    OwnSend,

    /// <summary>Durable before the first COMMIT. Nobody runs the guest here; the destination decides.</summary>
    Handed,

    /// <summary>The right to run is (back) at the source.</summary>
    Reclaiming,

    /// <summary>The destination runs the guest; this copy is garbage.</summary>
    Released,

    /// <summary>Nothing left to do.</summary>
    Closed,
}

/// <summary>The part of the journal's record that the source machine writes and, after a restart, reads.</summary>
internal sealed record SourceRecord
{
    public required HandoverId Id { get; init; }
    public required SourcePhase Phase { get; init; }
    public required MigrationMode Mode { get; init; }
    public required PeerKind Peer { get; init; }

    /// <summary>What the user wants the guest to do, wherever it ends up.</summary>
    public required GuestRunState PreState { get; init; }

    /// <summary>Disks are mirrored, so the source's images are never touched by the destination.</summary>
    public required bool CopiesDisks { get; init; }

    /// <summary>With <see cref="SourcePhase.Handed"/>: handed over in post-copy, so this copy still holds memory that the destination lacks.</summary>
    public bool OwesMemory { get; init; }

    /// <summary>Why it is being, or was, taken back; with <see cref="SourcePhase.Released"/>: why post-copy can never be completed.</summary>
    public Failure? Why { get; init; }

    /// <summary>The operator's word on which the guest was taken back; null when nobody had to give one.</summary>
    public FencingStatement? Fencing { get; init; }

    /// <summary>The word it ended in, once closed.</summary>
    public MigrationOutcome? Outcome { get; init; }

    /// <summary>The last of the guest has been let go of on the wire.</summary>
    public bool PeerMayBeWhole { get; init; }

    /// <summary>Closed here, and the destination, which may have all of the guest and keep it for an operator, has not acknowledged that.</summary>
    public bool FarewellOwed { get; init; }
}
