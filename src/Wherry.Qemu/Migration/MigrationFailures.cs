using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration;

/// <summary>The words a migration ends in, as the errors libvirt's clients know.</summary>
internal static class MigrationFailures
{
    /// <param name="outcome">How it ended; null when nobody knows any more.</param>
    /// <param name="domain">Whose migration.</param>
    /// <param name="peer">The destination, for failures on the way to it; null when it is not known.</param>
    public static WherryException ToException(MigrationOutcome? outcome, string domain, string? peer = null) => outcome switch
    {
        _ when WhyOf(outcome) is { } why => ToException(peer is null ? why : Naming(peer, why)),
        MigrationOutcome.NeedsDecision { Reason: var reason, Command: var command } =>
            new WherryException(ErrorCode.OperationFailed, $"domain '{domain}' needs a decision: {reason}; when certain: {command}"),
        _ => new WherryException(ErrorCode.OperationInvalid, $"domain '{domain}' has already moved to its destination"),
    };

    /// <summary>QEMU's own words do not say where it was sending to.</summary>
    private static Failure Naming(string peer, Failure why) =>
        IsOnTheWay(why.Kind) && !why.Text.Contains(peer, StringComparison.Ordinal) ? why with { Text = $"{why.Text}; destination {peer}" } : why;

    private static bool IsOnTheWay(FailureKind kind) =>
        kind is FailureKind.LinkLost or FailureKind.StreamFailed or FailureKind.MirrorFailed or FailureKind.TimedOut or FailureKind.PeerAborted;

    /// <summary>What went wrong; null when nothing did, or when nobody knows.</summary>
    public static Failure? WhyOf(MigrationOutcome? outcome) => outcome switch
    {
        MigrationOutcome.StayedOnSource { Why: var why } => why,
        MigrationOutcome.PostCopyLost { Why: var why } => why,
        _ => null,
    };

    /// <summary>For whoever waits for a word of a migration that has none left to say.</summary>
    public static WherryException Ended(string domain) =>
        new(ErrorCode.OperationFailed, $"the migration of domain '{domain}' has ended on this host; see 'domstate --reason' on both hosts");

    public static WherryException ToException(Failure why) => why.Kind switch
    {
        FailureKind.Cancelled => new WherryException(ErrorCode.OperationAborted, why.Text),
        FailureKind.TimedOut => new WherryException(ErrorCode.OperationTimeout, why.Text),
        _ => new WherryException(ErrorCode.OperationFailed, why.Text),
    };
}
