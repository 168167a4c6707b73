using Wherry.Wire.Xdr;

namespace Wherry.Wire.Peer;

// Arguments and results of PeerProcedure. A hand-over id is made by the source at Begin and never used again.

/// <param name="Host">The host uuid of the daemon that is meant. Any other daemon must refuse: its "I do not know this id" would read as
/// "it never ran", and start a second guest.</param>
/// <param name="StartPaused">What the user wants by now: a suspend during the migration came after Prepare.</param>
[XdrStruct]
public readonly partial record struct PeerResolveArgs(Guid Handover, Guid Domain, Guid Host, bool StartPaused);

/// <param name="Host">As in <see cref="PeerResolveArgs"/>.</param>
[XdrStruct]
public readonly partial record struct PeerWithdrawArgs(Guid Handover, Guid Domain, Guid Host);

[XdrStruct]
public readonly partial record struct PeerResolveRet(PeerAnswer Answer);

[XdrStruct]
public readonly partial record struct PeerAttachArgs(Guid Handover);

[XdrStruct]
public readonly partial record struct PeerForgetArgs(Guid Handover);

[XdrStruct]
public readonly partial record struct PeerInspectArgs(Guid Domain);

/// <param name="Json">The evidence record; its members are the daemon's business.</param>
[XdrStruct]
public readonly partial record struct PeerInspectRet(string Json);
