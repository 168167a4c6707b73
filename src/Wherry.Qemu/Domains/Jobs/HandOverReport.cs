namespace Wherry.Qemu.Domains.Jobs;

/// <summary>Which half of a hand-over this host has.</summary>
public enum HandOverRole
{
    Source,
    Destination,
}

/// <summary>
/// What one side of a migration knows of a hand-over: for a person who has to find out what became of a guest, and for the programs that ask
/// on his behalf. Nothing is decided by it.
/// </summary>
public sealed record HandOverReport
{
    public required Guid Id { get; init; }
    public required string DomainName { get; init; }
    public required Guid DomainUuid { get; init; }
    public required HandOverRole Role { get; init; }

    /// <summary>A word for programs: <c>handed</c>, <c>post-copy</c>, <c>post-copy recovering</c>, <c>loaded</c>, and while there is no doubt the
    /// name of the machine's state in lower case.</summary>
    public required string State { get; init; }

    /// <summary>How the other daemon is reached, such as <c>qemu+tls://bravo/system</c>; null when it did not say.</summary>
    public string? PeerUri { get; init; }

    /// <summary>The other host's name, by which an operator says that it is off; null when it did not say.</summary>
    public string? PeerHost { get; init; }

    /// <summary>Since when it stands like this, by this host's clock.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>How the copy of the guest on this host stands.</summary>
    public required string Here { get; init; }

    /// <summary>The last that was heard of the other one.</summary>
    public required string There { get; init; }

    /// <summary>It goes on by itself as soon as the other side answers; this is for the case that it never will. Null: nothing is in doubt.</summary>
    public string? Command { get; init; }

    /// <summary>It has been in doubt for so long that somebody should look.</summary>
    public bool NeedsDecision { get; init; }

    /// <summary>The state of a source whose copy died before it had let go of it, or after it had taken it back unheard, and which asks whether the guest is its own
    /// still.</summary>
    public const string Withdrawing = "withdrawing";

    private string Peer => PeerHost is null ? PeerUri ?? "its peer" : PeerUri is null ? PeerHost : $"{PeerHost} ({PeerUri})";

    /// <summary>The way out; empty when there is no doubt.</summary>
    public string Advice => Command is null ? "" : $"; if {PeerHost ?? "that host"} is dead, power it off and say so with: {Command}";

    /// <summary>All of it in one sentence.</summary>
    public string Text => Role == HandOverRole.Source
        ? $"domain '{DomainName}' {(State == Withdrawing ? "has died here and was sent to" : "has been handed over to")} {Peer} (hand-over {Id}), which has not said yet whether it runs it; here: {Here}; there: {There}{Advice}"
        : $"domain '{DomainName}' has arrived from {Peer} (hand-over {Id}), which has not let go of it; here: {Here}; there: {There}{Advice}";
}
