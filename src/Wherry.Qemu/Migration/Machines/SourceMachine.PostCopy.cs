namespace Wherry.Qemu.Migration.Machines;

/// <summary>
/// S8p: RUN was answered while memory was still owed (migration.md B6). The destination runs the guest, so the right to run is gone for good;
/// what it lacks is in our QEMU alone, so that QEMU must live until it says `completed`. A cancel would lose the guest and is never sent.
/// </summary>
internal static partial class SourceMachine
{
    private static readonly Failure SourceDiedOwing =
        new(FailureKind.PostCopyLost, "the source QEMU died in post-copy, with memory that the destination lacks");

    private static SourceStep EnterPostCopy(SourceAttempt attempt) => To(new SourceState.PostCopy(attempt, PostCopyStage.Flowing),
        [.. DisarmHanded, new SourceEffect.ShowPostCopy(Broken: false), new SourceEffect.LookAtStream()]);

    private static SourceStep PostCopy(SourceState.PostCopy s, SourceInput input) => input switch
    {
        SourceInput.StreamReported { Status: StreamStatus.Completed } when s.Stage != PostCopyStage.Lost => PaidOff(s),
        SourceInput.StreamReported { Status: StreamStatus.PostCopyPaused } when s.Stage == PostCopyStage.Flowing => Recover(s, new SourceEffect.ShowPostCopy(Broken: true)),
        SourceInput.StreamReported { Status: StreamStatus.PostCopyActive } when s.Stage is PostCopyStage.Recovering or PostCopyStage.Waiting =>
            To(s with { Stage = PostCopyStage.Flowing, Tries = 0 },
                new SourceEffect.DisarmTimer(SourceTimer.RecoverAgain),
                new SourceEffect.ShowPostCopy(Broken: false)),

        SourceInput.RecoveryFailed { GuestIsGone: true } gone when s.Stage != PostCopyStage.Lost => Lose(s, gone.Why),
        SourceInput.RecoveryFailed when s.Stage == PostCopyStage.Recovering => To(s with { Stage = PostCopyStage.Waiting, Tries = NextTry(s.Tries) },
            new SourceEffect.ArmTimer(SourceTimer.RecoverAgain, RecoverPause(s))),
        SourceInput.TimerExpired { Timer: SourceTimer.RecoverAgain } when s.Stage == PostCopyStage.Waiting => Recover(s),
        SourceInput.LinkRestored when s.Stage == PostCopyStage.Waiting => Recover(s),

        SourceInput.QemuGone => Decide(
            new SourceState.Handed(s.Attempt with { OwesMemory = false }, HandedWait.Journal, CopyLost: true), SourcePhase.Released, s.Why ?? SourceDiedOwing),
        SourceInput.PeerFenced fenced when s.Stage != PostCopyStage.Lost =>
            Lose(s, new(FailureKind.PostCopyLost, $"host {fenced.Statement.Host}, which ran the guest in post-copy, was fenced by {fenced.Statement.By}")),
        SourceInput.UserCalled user => UserDuringPostCopy(s, user.Call),

        SourceInput.LinkLost or SourceInput.LinkRestored or SourceInput.ClientGone or SourceInput.ConfirmCalled or SourceInput.PeerFenced => Stay(s),
        _ when IsLate(input) => Stay(s),
        _ => throw Unknown(s, input),
    };

    /// <summary>The destination has every page. What is left is an ordinary verdict RUN, made durable before the kill.</summary>
    private static SourceStep PaidOff(SourceState.PostCopy s)
    {
        var release = Decide(new SourceState.Handed(s.Attempt with { OwesMemory = false }, HandedWait.Journal), SourcePhase.Released, why: null);
        return release with { Effects = [new SourceEffect.DisarmTimer(SourceTimer.RecoverAgain), .. release.Effects] };
    }

    private static SourceStep Recover(SourceState.PostCopy s, params ReadOnlySpan<SourceEffect> first) => To(s with { Stage = PostCopyStage.Recovering },
        [.. first, new SourceEffect.DisarmTimer(SourceTimer.RecoverAgain), new SourceEffect.RecoverStream()]);

    private static TimeSpan RecoverPause(SourceState.PostCopy s)
    {
        var pause = s.Attempt.Limits.RecoverAgainFirst * Math.Pow(2, s.Tries);
        return pause < s.Attempt.Limits.RecoverAgainLongest ? pause : s.Attempt.Limits.RecoverAgainLongest;
    }

    /// <summary>Nobody will ask for the memory any more. It is kept all the same: a dump of it may be all that is left of the guest.</summary>
    private static SourceStep Lose(SourceState.PostCopy s, Failure why) => To(s with { Stage = PostCopyStage.Lost, Why = why },
        new SourceEffect.DisarmTimer(SourceTimer.RecoverAgain),
        new SourceEffect.ShowPostCopy(Broken: true),
        new SourceEffect.RaiseAlarm($"the guest is lost: {why.Text}; its memory as of the switch to post-copy is kept until the domain is destroyed here"),
        new SourceEffect.Tell(new MigrationOutcome.PostCopyLost(why)));

    private static SourceStep UserDuringPostCopy(SourceState.PostCopy s, UserCall call) => call switch
    {
        // With the memory goes the guest, wherever it runs; only when it is lost anyway there is nothing to protect.
        UserCall.Destroy => s.Stage == PostCopyStage.Lost
            ? Stay(s, new SourceEffect.Admit(call))
            : Stay(s, new SourceEffect.Refuse(call, "the guest runs at its destination and needs the memory that is still here (post-copy)")),
        UserCall.PausePostCopy when s.Stage is not (PostCopyStage.Held or PostCopyStage.Lost) => To(s with { Stage = PostCopyStage.Held },
            new SourceEffect.DisarmTimer(SourceTimer.RecoverAgain),
            new SourceEffect.ShowPostCopy(Broken: true),
            new SourceEffect.Admit(call)),
        UserCall.ResumePostCopy when s.Stage is PostCopyStage.Held or PostCopyStage.Waiting => Recover(s, new SourceEffect.Admit(call)),
        UserCall.ResumePostCopy when s.Stage == PostCopyStage.Recovering => Stay(s, new SourceEffect.Admit(call)),
        UserCall.AbortJob => Stay(s, new SourceEffect.Refuse(call, "cannot abort migration in post-copy mode")),
        _ => Stay(s, new SourceEffect.Refuse(call, s.Stage switch
        {
            PostCopyStage.Lost => "the guest was lost in post-copy",
            _ => "the guest runs at its destination (post-copy)",
        })),
    };
}
