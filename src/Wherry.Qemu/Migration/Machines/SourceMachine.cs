using System.Diagnostics;

namespace Wherry.Qemu.Migration.Machines;

/// <summary>
/// The source's half of the hand-over (migration.md C3, C5, C7). Pure: no clock, no I/O, no logging.
/// <code>
///   managed: S1 Begun --Perform--+            any failure, cancel, limit, restart
///   p2p:     S2 Preparing -------+            in S1..S6 (and S7 if HANDED cannot be written)
///                                v                              |
///      S3 Copying -> S4 Sending -> S5 Draining -> S6 Switching -+--> S9 Reclaiming -> Closed(StayedOnSource)
///      (disks only)   guest runs |  guest stopped     |               ^  cancel, undo, `cont`
///      ------------ OWN ---------+---------------     v               |
///                                                 S7 Sent             | ABORT
///                                                     v               |
///                                    ============ S8 Handed ==========+
///                                    HANDED durable, then COMMIT: ask | RUN
///                                    for ever; no `cont`, no kill     |  S8p PostCopy: it runs there and lacks memory that is
///                                                                     +--- here; recover a broken connection, for ever -------+
///                                                                     v                     QEMU completed                    |
///                                                          S10 Released -> Closed(Moved) &lt;------------------------------------+
///                                                           kill, FORGET
/// </code>
/// A restart that finds its copy dead while it was being sent goes to S8 as well, and asks the opposite: what is undecided there is given up.
/// Right to run: S1-S7 and S9 hold it, S8 does not (the destination decides), S8p and S10 have given it away. Only S9 sends `cont`, only S10 kills.
/// <para>
/// Contract with the shell, which owns one machine per attempt and feeds it one input at a time:
/// (1) it adopts <see cref="SourceStep.Next"/>, then executes the effects strictly in order;
/// (2) <see cref="SourceEffect.Persist"/> is a durable write, reported as JournalWritten; if it fails, the remaining effects of that step are
/// dropped and JournalWriteFailed is fed;
/// (3) the daemon may die between any two effects; its successor calls <see cref="Restarted"/> with the last durable record and what QEMU says;
/// (4) a new attempt for the domain begins only when the record of the previous one is durably Closed, so that a restart never finds two that
/// disagree about the right to run;
/// (5) inputs may be late, repeated, about an earlier attempt or out of order: each has an answer, if only to stay.
/// </para>
/// </summary>
internal static partial class SourceMachine
{
    /// <summary>
    /// The guest has been checked and described (A5 Begin); the job is started. Managed: S1, the client carries on. Peer-to-peer: S2 at once.
    /// </summary>
    public static SourceStep Begin(SourceAttempt attempt) => attempt.IsManaged
        ? To(new SourceState.Begun(attempt),
            new SourceEffect.Persist(attempt.Record(SourcePhase.OwnBegin)),
            new SourceEffect.ArmTimer(SourceTimer.BeginIdle, attempt.Limits.BeginIdle),
            new SourceEffect.AnswerBegin())
        : To(new SourceState.Preparing(attempt),
            new SourceEffect.Persist(attempt.Record(SourcePhase.OwnPrepare)),
            new SourceEffect.CallPrepare());

    /// <summary>Every (state, input) pair has an answer; the table is in docs/protocol/handover-machines.md.</summary>
    public static SourceStep Step(SourceState state, SourceInput input) => state switch
    {
        SourceState.Begun s => Begun(s, input),
        SourceState.Preparing s => Preparing(s, input),
        SourceState.Copying s => Copying(s, input),
        SourceState.Sending s => Sending(s, input),
        SourceState.Draining s => Draining(s, input),
        SourceState.Switching s => Switching(s, input),
        SourceState.Sent s => Sent(s, input),
        SourceState.Handed s => Handed(s, input),
        SourceState.PostCopy s => PostCopy(s, input),
        SourceState.Reclaiming s => Reclaiming(s, input),
        SourceState.Released s => Released(s, input),
        SourceState.Closed s => Closed(s, input),
        _ => throw new UnreachableException($"source state {state}"),
    };

    private static SourceStep To(SourceState next, params ReadOnlySpan<SourceEffect> effects) => new(next, [.. effects]);

    private static SourceStep Stay(SourceState state, params ReadOnlySpan<SourceEffect> effects) => new(state, [.. effects]);

    /// <summary>The hierarchies are closed, so this is a case that was added and forgotten: better stop the owner than guess about a guest.</summary>
    private static UnreachableException Unknown(SourceState state, SourceInput input) =>
        new($"source {state.GetType().Name} has no answer to {input}");
}
