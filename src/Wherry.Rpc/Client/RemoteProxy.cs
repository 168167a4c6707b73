namespace Wherry.Rpc.Client;

/// <summary>What joins ssh with the daemon's socket on the other host; the URI's parameter <c>proxy</c>.</summary>
public enum RemoteProxy
{
    /// <summary>The helper where there is one, else netcat.</summary>
    Auto,

    /// <summary>netcat, with a socket's path.</summary>
    Netcat,

    /// <summary>virt-ssh-helper, which knows where the daemon listens.</summary>
    Native,
}
