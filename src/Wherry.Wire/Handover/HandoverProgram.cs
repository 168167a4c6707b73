using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Handover;

// Arguments and results of HandoverProcedure.

public static class HandoverLimits
{
    /// <summary>Far more than migrate at once.</summary>
    public const int List = 4096;
}

/// <param name="Role"><c>source</c> or <c>destination</c>: which half is on the host that answers.</param>
/// <param name="State">Its state in one or two words.</param>
/// <param name="SinceSeconds">Since the epoch, by that host's clock.</param>
/// <param name="Peer">How the other daemon is reached.</param>
/// <param name="PeerHost">The other host's name.</param>
/// <param name="Here">How the copy of the guest on this host stands.</param>
/// <param name="There">The last that was heard of the other one.</param>
/// <param name="Command">What ends the doubt, for an operator who is certain; empty when there is none.</param>
[XdrStruct]
public readonly partial record struct HandoverEntry(
    Guid Handover,
    Guid Domain,
    string DomainName,
    string Role,
    string State,
    long SinceSeconds,
    string Peer,
    string PeerHost,
    string Here,
    string There,
    string Command);

[XdrStruct]
public readonly partial record struct HandoverListRet([XdrMax(HandoverLimits.List)] ImmutableArray<HandoverEntry> HandOvers);

/// <param name="FencedHost">The host that the operator states to have powered off.</param>
[XdrStruct]
public readonly partial record struct HandoverForceArgs(Guid Handover, string FencedHost);

/// <param name="Text">One sentence: what became of the guest.</param>
[XdrStruct]
public readonly partial record struct HandoverForceRet(string Text);
