using Wherry.Wire.Procedures;

namespace Wherry.Wire.Peer;

/// <summary>
/// Our own program, spoken only between two wherry daemons that exchanged hand-over ids in their migration cookies. It lets the source
/// of a migration learn how it ended when the connection that carried it, or a daemon, was lost. Never sent to a stock daemon.
/// </summary>
[ProcedureTable]
public static partial class PeerProcedure
{
    /// <summary>"WHRY" in ASCII.</summary>
    public const uint Program = 0x5748_5259;

    public const uint Version = 1;

    /// <summary>Source to destination: shall this copy run? Has the effect of a repeated Finish, so asking again is safe.</summary>
    public const int Resolve = 1;

    /// <summary>Source to destination: the source is gone for good, the destination may drop its record.</summary>
    public const int Forget = 2;

    /// <summary>Either way: the evidence this daemon has about a domain, for an operator's decision.</summary>
    public const int Inspect = 3;

    /// <summary>Source to destination, on a new connection: this is now the connection of that hand-over. Stops the clock that the loss
    /// of the old one started; decides nothing.</summary>
    public const int Attach = 4;

    /// <summary>Source to destination: this copy shall not run, unless it does or was told to. The opposite of <see cref="Resolve"/>, for a
    /// source whose own copy died before it had let go of it.</summary>
    public const int Withdraw = 5;
}
