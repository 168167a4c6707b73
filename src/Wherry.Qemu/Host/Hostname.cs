using System.Net;
using System.Net.Sockets;

namespace Wherry.Qemu.Host;

/// <summary>
/// The name this host goes by towards peers, by libvirt's rule: a kernel name that is qualified or starts with "localhost" is used as it is;
/// a short one is completed by the resolver, unless that answers "localhost" or nothing.
/// </summary>
public static class Hostname
{
    public static string Resolve() => Resolve(Environment.MachineName, CanonicalName);

    /// <param name="kernelName">gethostname(2).</param>
    /// <param name="canonicalName">The resolver: full name of a short one, or null.</param>
    public static string Resolve(string kernelName, Func<string, string?> canonicalName)
    {
        if (kernelName.Contains('.', StringComparison.Ordinal) || kernelName.StartsWith("localhost", StringComparison.Ordinal))
            return kernelName;
        var full = canonicalName(kernelName);
        return string.IsNullOrEmpty(full) || full.StartsWith("localhost", StringComparison.Ordinal) ? kernelName : full;
    }

    private static string? CanonicalName(string name)
    {
        try
        {
            return Dns.GetHostEntry(name).HostName;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
