using Wherry.Wire.Procedures;

namespace Wherry.Wire.KeepAlive;

/// <summary>
/// The keepalive program: two messages without payload, serial 0. Whoever gets a ping answers with a pong at once; any frame counts
/// as a sign of life.
/// </summary>
[ProcedureTable]
public static partial class KeepAliveProcedure
{
    /// <summary>"keep" in ASCII.</summary>
    public const uint Program = 0x6b65_6570;

    public const uint Version = 1;

    public const int Ping = 1;
    public const int Pong = 2;
}
