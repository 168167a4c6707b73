namespace Wherry.Rpc;

/// <summary>
/// Numbers all connections of this process, accepted and opened, in one row, so that "client=17" in the log is one of them and a search
/// for it tells its whole story, keepalive included.
/// </summary>
internal static class ConnectionId
{
    private static long Last;

    public static long Next() => Interlocked.Increment(ref Last);
}
