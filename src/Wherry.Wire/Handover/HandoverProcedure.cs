using Wherry.Wire.Procedures;

namespace Wherry.Wire.Handover;

/// <summary>
/// Our own program for an operator who has to decide a hand-over that its two daemons cannot: <c>wherryd handover</c>. Served next to the
/// admin program, on the socket that only root and the daemon's user can open, and on no network.
/// </summary>
[ProcedureTable]
public static partial class HandoverProcedure
{
    /// <summary>"WHRH" in ASCII.</summary>
    public const uint Program = 0x5748_5248;

    public const uint Version = 1;

    /// <summary>The hand-overs that are not over.</summary>
    public const int List = 1;

    /// <summary>The destination's host is off: the guest goes on at the source.</summary>
    public const int ForceSource = 2;

    /// <summary>The source's host is off: the guest, which has arrived whole, goes on at the destination.</summary>
    public const int ForceDestination = 3;
}
