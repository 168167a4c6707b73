using Wherry.Errors;

namespace Wherry.Daemon.Handlers;

/// <summary>Which driver a client means, from the name it opens; the rules and texts of virConnectOpen and the QEMU driver.</summary>
internal static class ConnectionUri
{
    /// <summary>The URI that CONNECT_GET_URI then shows.</summary>
    /// <param name="name">Null or empty: whatever this daemon serves.</param>
    public static string Resolve(string? name, bool isPrivileged)
    {
        var own = isPrivileged ? "qemu:///system" : "qemu:///session";
        if (string.IsNullOrEmpty(name) || name == own)
            return own;
        if (!Uri.TryCreate(name, UriKind.Absolute, out var uri))
            throw new WherryException(ErrorCode.InternalError, $"Unable to parse URI {name}", ErrorDomain.None);
        // A client's library keeps transport and server to itself and sends the plain form; one that does not means another driver.
        if (uri.Scheme != "qemu" || uri.Host.Length > 0)
            throw new WherryException(ErrorCode.NoConnect, name, ErrorDomain.None);
        var fits = isPrivileged ? uri.AbsolutePath is "/system" or "/session" : uri.AbsolutePath == "/session";
        if (!fits)
            throw new WherryException(
                ErrorCode.InternalError, $"unexpected qemu URI path '{uri.AbsolutePath}', try {own}", ErrorDomain.None);
        return $"qemu://{uri.AbsolutePath}";
    }
}
