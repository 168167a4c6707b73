namespace Wherry.Wire.Peer;

/// <summary>What a destination answers to <see cref="PeerProcedure.Resolve"/>. The numbers are ours and never change.</summary>
public enum PeerAnswer
{
    /// <summary>The copy here runs or has been told to: the source must end its own.</summary>
    Run = 1,

    /// <summary>The copy here is dead and will never run: the source may resume.</summary>
    Abort = 2,

    /// <summary>Not decided yet: ask again.</summary>
    Pending = 3,
}
