using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Machines;

/// <summary>Every input of either machine, with each value that it tells apart. The table is made of these, and so is the explorer's notion of what can still matter.</summary>
internal static class Alphabet
{
    public static readonly Failure AnyFailure = new(FailureKind.Cancelled, "any");

    public static FencingStatement Fenced(string host) => new(host, "root", DateTimeOffset.UnixEpoch);

    public static IEnumerable<SourceInput> Source(HandoverId id) =>
    [
        .. Enum.GetValues<PeerKind>().Select(peer => new SourceInput.PerformCalled(peer)),
        .. Enum.GetValues<PeerKind>().Select(peer => new SourceInput.PrepareReplied(peer)),
        new SourceInput.PrepareFailed(AnyFailure),
        new SourceInput.ConfirmCalled(Cancelled: false),
        new SourceInput.ConfirmCalled(Cancelled: true),
        new SourceInput.ClientGone(),
        new SourceInput.MirrorsReady(),
        new SourceInput.MirrorsDrained(),
        new SourceInput.MirrorFailed(AnyFailure),
        .. Enum.GetValues<StreamStatus>().Select(status => new SourceInput.StreamReported(status)),
        .. Enum.GetValues<StreamStatus>().Select(status => new SourceInput.StreamStopped(status)),
        new SourceInput.RecoveryFailed(AnyFailure, GuestIsGone: false),
        new SourceInput.RecoveryFailed(AnyFailure, GuestIsGone: true),
        new SourceInput.PreparationsUndone(),
        new SourceInput.ContAccepted(),
        new SourceInput.ContRefused("any"),
        new SourceInput.ContUnknown(),
        new SourceInput.QemuGone(),
        .. Enum.GetValues<PeerAnswer>().Select(answer => new SourceInput.PeerAnswered(id, answer)),
        new SourceInput.PeerSilent(id),
        new SourceInput.PeerForgot(id),
        .. Enum.GetValues<LegacySighting>().Select(sighting => new SourceInput.PeerSeen(sighting)),
        new SourceInput.LinkLost(),
        new SourceInput.LinkRestored(),
        .. Enum.GetValues<UserCall>().Select(call => new SourceInput.UserCalled(call)),
        new SourceInput.PeerFenced(Fenced("bravo")),
        .. Enum.GetValues<SourcePhase>().Select(phase => new SourceInput.JournalWritten(phase)),
        .. Enum.GetValues<SourcePhase>().Select(phase => new SourceInput.JournalWriteFailed(phase, OldRecordStands: true, "any")),
        .. Enum.GetValues<SourcePhase>().Select(phase => new SourceInput.JournalWriteFailed(phase, OldRecordStands: false, "any")),
        .. Enum.GetValues<SourceTimer>().Select(timer => new SourceInput.TimerExpired(timer)),
    ];

    public static IEnumerable<DestinationInput> Destination(HandoverId id, bool startPaused) =>
    [
        new DestinationInput.FinishCalled(id, Cancelled: false, startPaused),
        new DestinationInput.FinishCalled(id, Cancelled: true, startPaused),
        new DestinationInput.ResolveCalled(id, startPaused),
        new DestinationInput.ForgetCalled(id),
        new DestinationInput.LinkLost(),
        new DestinationInput.LinkRestored(),
        new DestinationInput.SourceAlive(),
        new DestinationInput.SourceSilent(),
        new DestinationInput.IncomingReady(),
        new DestinationInput.LaunchFailed(AnyFailure),
        .. Enum.GetValues<StreamStatus>().Select(status => new DestinationInput.StreamReported(status)),
        new DestinationInput.GuestLoaded(),
        new DestinationInput.GuestLoaded(LacksMemory: true),
        new DestinationInput.RecoverCalled(),
        new DestinationInput.LoadFailed(AnyFailure),
        new DestinationInput.ContAccepted(),
        new DestinationInput.ContRefused("any"),
        new DestinationInput.ContUnknown(),
        new DestinationInput.ImagesActivated(),
        new DestinationInput.ActivationFailed("any"),
        .. Enum.GetValues<GuestSight>().Select(sight => new DestinationInput.GuestSeen(sight)),
        new DestinationInput.SourceFenced(Fenced("alpha")),
        new DestinationInput.QemuGone(),
        new DestinationInput.CleanedUp(),
        .. Enum.GetValues<UserCall>().Select(call => new DestinationInput.UserCalled(call)),
        .. Enum.GetValues<DestinationPhase>().Select(phase => new DestinationInput.JournalWritten(phase)),
        .. Enum.GetValues<DestinationPhase>().Select(phase => new DestinationInput.JournalWriteFailed(phase, OldRecordStands: true, "any")),
        .. Enum.GetValues<DestinationPhase>().Select(phase => new DestinationInput.JournalWriteFailed(phase, OldRecordStands: false, "any")),
        .. Enum.GetValues<DestinationTimer>().Select(timer => new DestinationInput.TimerExpired(timer)),
    ];
}
