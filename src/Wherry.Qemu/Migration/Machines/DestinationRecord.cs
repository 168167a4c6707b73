namespace Wherry.Qemu.Migration.Machines;

/// <summary>What the destination's disk says about a hand-over id. A single writer moves it, once: to INTENT or to ABORTED, never both.</summary>
internal enum DestinationPhase
{
    /// <summary>The source holds the right to run. A restart reads this as "give up", unless all of the guest is here.</summary>
    Prepared,

    /// <summary>The point of no return: durable before `cont`.</summary>
    Intent,

    /// <summary>The guest runs, or ran, here. Durable before RUN is answered, kept until FORGET, survives a reboot of the host.</summary>
    Ran,

    /// <summary>It never ran here and never will.</summary>
    Aborted,

    /// <summary>No record. An id without a record is answered ABORT.</summary>
    Absent,
}

/// <summary>The part of the journal's record that the destination machine writes and, after a restart, reads.</summary>
internal sealed record DestinationRecord
{
    public required HandoverId Id { get; init; }
    public required DestinationPhase Phase { get; init; }
    public required MigrationMode Mode { get; init; }
    public required PeerKind Peer { get; init; }

    /// <summary>The guest shall stay paused here: only its images are activated.</summary>
    public required bool StartPaused { get; init; }

    /// <summary>From <see cref="DestinationPhase.Intent"/>: started in post-copy, with part of its memory still at the source.</summary>
    public bool LacksMemory { get; init; }

    /// <summary>The operator's word on which the guest was started without its source's; null when nobody had to give one.</summary>
    public FencingStatement? Fencing { get; init; }

    /// <summary>With <see cref="DestinationPhase.Ran"/>: QEMU died after `cont` may have taken effect.</summary>
    public bool Crashed { get; init; }
}

/// <summary>The rule for ids that no machine of this host knows.</summary>
internal static class DestinationRecords
{
    /// <summary>
    /// No record means: never prepared here, aborted and forgotten, or RUN acknowledged by FORGET (then nobody acts on the answer any more). So
    /// ABORT is right, and ABORTED records need not be kept (model-check.md, PRESUMED_ABORT).
    /// </summary>
    public const PeerAnswer AnswerUnknown = PeerAnswer.Abort;
}
