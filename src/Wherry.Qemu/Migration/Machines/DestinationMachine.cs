using System.Diagnostics;

namespace Wherry.Qemu.Migration.Machines;

/// <summary>
/// The destination's half of the hand-over (migration.md C4, C5, C7). Pure: no clock, no I/O, no logging. Contract with the shell as at
/// the head of <see cref="SourceMachine"/>.
/// <code>
///   D1 Launching -> D2 Listening -> D3 Receiving --COMMIT(id)--> D4 Committing      everything slow or fallible happens here
///        |               |               |                          |     |
///        +---------------+---------------+-- any failure, cancel, --+     v  INTENT durable   === point of no return ===
///                                        |   owner gone, limit         D5 Starting --`cont` works, RAN durable--> D6 Running --FORGET--> Forgotten
///                                        v                                |                                          answers RUN
///                                   D7 Aborting &lt;--- ABORTED durable -----+  `cont` refused and not running
///                                        v
///                                   D8 Aborted    answers ABORT; the record may go, an unknown id is answered ABORT too
/// </code>
/// Right to run: the source's until INTENT, ours from there. `cont` is sent in D5 only; QEMU is killed in D7 only; RUN is answered in D6 only,
/// ABORT in D8 only. From INTENT on nothing that happens to a connection ends the guest.
/// </summary>
internal static partial class DestinationMachine
{
    /// <summary>Prepare: cookie and XML were checked, name and UUID are reserved (A5). The record is durable before QEMU exists.</summary>
    public static DestinationStep Prepare(DestinationAttempt attempt) => To(new DestinationState.Launching(attempt),
        new DestinationEffect.Persist(attempt.Record(DestinationPhase.Prepared)),
        new DestinationEffect.LaunchIncoming());

    /// <summary>Every (state, input) pair has an answer; the table is in docs/protocol/handover-machines.md.</summary>
    public static DestinationStep Step(DestinationState state, DestinationInput input)
    {
        if (IsAboutOtherAttempt(state, input)) return Stay(state);
        return state switch
        {
            DestinationState.Launching s => Launching(s, input),
            DestinationState.Listening s => Listening(s, input),
            DestinationState.Receiving s => Receiving(s, input),
            DestinationState.Committing s => Committing(s, input),
            DestinationState.Starting s => Starting(s, input),
            DestinationState.Running s => Running(s, input),
            DestinationState.Aborting s => Aborting(s, input),
            DestinationState.Aborted s => Aborted(s, input),
            DestinationState.Forgotten s => Forgotten(s, input),
            _ => throw new UnreachableException($"destination state {state}"),
        };
    }

    /// <summary>The registry routes calls by id and answers unknown ones (<see cref="DestinationRecords.AnswerUnknown"/>); this is the second belt.</summary>
    private static bool IsAboutOtherAttempt(DestinationState state, DestinationInput input) => input switch
    {
        DestinationInput.FinishCalled call => call.Id != state.Attempt.Id,
        DestinationInput.ResolveCalled call => call.Id != state.Attempt.Id,
        DestinationInput.ForgetCalled call => call.Id != state.Attempt.Id,
        _ => false,
    };

    private static DestinationStep To(DestinationState next, params ReadOnlySpan<DestinationEffect> effects) => new(next, [.. effects]);

    private static DestinationStep Stay(DestinationState state, params ReadOnlySpan<DestinationEffect> effects) => new(state, [.. effects]);

    private static UnreachableException Unknown(DestinationState state, DestinationInput input) =>
        new($"destination {state.GetType().Name} has no answer to {input}");

    /// <summary>As <see cref="SourceMachine"/>: results overtaken by another input, timers that fired while being disarmed, duplicates.</summary>
    private static bool IsLate(DestinationInput input) => input is
        DestinationInput.IncomingReady or DestinationInput.LaunchFailed or DestinationInput.StreamReported or
        DestinationInput.GuestLoaded or DestinationInput.LoadFailed or DestinationInput.SourceAlive or DestinationInput.SourceSilent or
        DestinationInput.ContAccepted or DestinationInput.ContRefused or DestinationInput.ContUnknown or DestinationInput.GuestSeen or
        DestinationInput.ImagesActivated or DestinationInput.ActivationFailed or DestinationInput.CleanedUp or
        DestinationInput.JournalWritten or DestinationInput.JournalWriteFailed or DestinationInput.TimerExpired;
}
