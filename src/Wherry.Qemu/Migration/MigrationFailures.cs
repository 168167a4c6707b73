using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration;

/// <summary>The words a migration ends in, as the errors libvirt's clients know.</summary>
internal static class MigrationFailures
{
    public static WherryException ToException(MigrationOutcome? outcome, string domain) => outcome switch
    {
        _ when WhyOf(outcome) is { } why => ToException(why),
        MigrationOutcome.NeedsDecision { Reason: var reason, Command: var command } =>
            new WherryException(ErrorCode.OperationFailed, $"domain '{domain}' needs a decision: {reason}; when certain: {command}"),
        _ => new WherryException(ErrorCode.OperationInvalid, $"domain '{domain}' has already moved to its destination"),
    };

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
