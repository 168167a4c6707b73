using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Machines;

/// <summary>One of each state and stage of both machines, under the names of migration.md C3 and C4.</summary>
internal static class Representatives
{
    public static readonly HandoverId Id = new(new Guid("00000000-0000-4000-8000-000000000001"));
    public static readonly HandoverId EarlierId = new(new Guid("00000000-0000-4000-8000-000000000000"));

    public static SourceAttempt PeerToPeer { get; } = new() { Id = Id, Mode = MigrationMode.PeerToPeer, CopiesDisks = true };

    public static SourceAttempt Managed { get; } = PeerToPeer with { Mode = MigrationMode.Managed };

    public static DestinationAttempt Incoming { get; } = new() { Id = Id, Mode = MigrationMode.PeerToPeer, Peer = PeerKind.Wherry };

    public static IEnumerable<(string Name, SourceState State)> Source(SourceAttempt attempt)
    {
        if (attempt.IsManaged) yield return ("S1 Begun", new SourceState.Begun(attempt));
        else yield return ("S2 Preparing", new SourceState.Preparing(attempt));
        yield return ("S3 Copying", new SourceState.Copying(attempt));
        yield return ("S4 Sending", new SourceState.Sending(attempt));
        yield return ("S5 Draining", new SourceState.Draining(attempt));
        yield return ("S6 Switching", new SourceState.Switching(attempt));
        yield return ("S6 Switching, cancelling", new SourceState.Switching(attempt, Cancelling: true));
        yield return ("S7 Sent", new SourceState.Sent(attempt));
        if (attempt.IsManaged) yield return ("S8 Handed, client", new SourceState.Handed(attempt, HandedWait.Client));
        yield return ("S8 Handed, asking", new SourceState.Handed(attempt, HandedWait.Answer));
        if (!attempt.IsLegacy) yield return ("S8 Handed, withdrawing", new SourceState.Handed(attempt with { Withdraws = true }, HandedWait.Answer, CopyLost: true));
        if (attempt.IsLegacy) yield return ("S8 Handed, looking", new SourceState.Handed(attempt, HandedWait.Look));
        yield return ("S8 Handed, RUN being written",
            new SourceState.Handed(attempt, HandedWait.Journal, Verdict: attempt.Record(SourcePhase.Released)));
        yield return ("S8 Handed, ABORT being written",
            new SourceState.Handed(attempt, HandedWait.Journal, Verdict: attempt.Record(SourcePhase.Reclaiming, Alphabet.AnyFailure)));
        if (attempt.OwesMemory)
        {
            foreach (var stage in Enum.GetValues<PostCopyStage>())
                yield return ($"S8p PostCopy, {stage}", new SourceState.PostCopy(attempt, stage));
        }
        foreach (var stage in Enum.GetValues<ReclaimStage>())
            yield return ($"S9 Reclaiming, {stage}", new SourceState.Reclaiming(attempt, Alphabet.AnyFailure, stage));
        foreach (var stage in Enum.GetValues<ReleaseStage>())
            yield return ($"S10 Released, {stage}", new SourceState.Released(attempt, stage));
        yield return ("Closed", new SourceState.Closed(attempt, new MigrationOutcome.Moved()));
    }

    public static IEnumerable<(string Name, DestinationState State)> Destination(DestinationAttempt attempt)
    {
        yield return ("D1 Launching", new DestinationState.Launching(attempt));
        yield return ("D2 Listening", new DestinationState.Listening(attempt));
        yield return ("D3 Receiving", new DestinationState.Receiving(attempt));
        yield return ("D3 Receiving, loaded", new DestinationState.Receiving(attempt, Loaded: true));
        if (attempt.OwnerMayReturn) yield return ("D3 Receiving, in doubt", new DestinationState.Receiving(attempt, Loaded: true, InDoubt: true));
        foreach (var stage in Enum.GetValues<CommitStage>())
        {
            if (stage != CommitStage.Pinging || attempt.IsLegacy)
                yield return ($"D4 Committing, {stage}", new DestinationState.Committing(attempt, stage));
        }
        foreach (var stage in Enum.GetValues<StartStage>())
            yield return ($"D5 Starting, {stage}", new DestinationState.Starting(attempt, stage));
        yield return ("D6 Running", new DestinationState.Running(attempt));
        if (attempt.LacksMemory) yield return ("D6 Running, crashed", new DestinationState.Running(attempt, Crashed: true));
        foreach (var stage in Enum.GetValues<AbortStage>())
            yield return ($"D7 Aborting, {stage}", new DestinationState.Aborting(attempt, Alphabet.AnyFailure, stage));
        yield return ("D8 Aborted", new DestinationState.Aborted(attempt, Alphabet.AnyFailure));
        yield return ("Forgotten", new DestinationState.Forgotten(attempt));
    }

    /// <summary>Every kind of attempt that changes what the source machine does.</summary>
    public static IEnumerable<(string Name, SourceAttempt Attempt)> SourceVariants =>
    [
        ("peer-to-peer, disks copied", PeerToPeer),
        ("peer-to-peer, the link is down", PeerToPeer with { LinkDown = true }),
        ("peer-to-peer, shared disks", PeerToPeer with { CopiesDisks = false }),
        ("peer-to-peer, paused by its user", PeerToPeer with { PreState = GuestRunState.Paused }),
        ("peer-to-peer, stock destination", PeerToPeer with { Peer = PeerKind.Legacy }),
        ("peer-to-peer, post-copy allowed", PeerToPeer with { MayPostCopy = true }),
        ("peer-to-peer, handed over in post-copy", PeerToPeer with { MayPostCopy = true, OwesMemory = true }),
        ("peer-to-peer, handed over to a stock destination in post-copy", PeerToPeer with { Peer = PeerKind.Legacy, MayPostCopy = true, OwesMemory = true }),
        ("managed", Managed),
        ("managed, stock destination", Managed with { Peer = PeerKind.Legacy }),
    ];

    public static IEnumerable<(string Name, DestinationAttempt Attempt)> DestinationVariants =>
    [
        ("peer-to-peer", Incoming),
        ("to stay paused", Incoming with { StartPaused = true }),
        ("managed", Incoming with { Mode = MigrationMode.Managed }),
        ("peer-to-peer, stock source", Incoming with { Peer = PeerKind.Legacy }),
        ("started in post-copy", Incoming with { LacksMemory = true }),
        ("started in post-copy, stock source", Incoming with { Peer = PeerKind.Legacy, LacksMemory = true }),
    ];
}
