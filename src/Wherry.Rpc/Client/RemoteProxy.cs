namespace Wherry.Rpc.Client;

/// <summary>What joins ssh with the daemon's socket on the other host; the URI's parameter <c>proxy</c>.</summary>
public enum RemoteProxy
{
    /// <summary>The helper where there is one, else netcat.</summary>
    Auto,

    /// <summary>netcat, with a socket's path.</summary>
    Netcat,

    /// <summary>A helper that knows where the daemon listens: libvirt's virt-ssh-helper or, where there is none, ours.</summary>
    Native,
}
