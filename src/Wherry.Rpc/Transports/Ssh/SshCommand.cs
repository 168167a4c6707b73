using System.Globalization;
using Wherry.Rpc.Client;

namespace Wherry.Rpc.Transports.Ssh;

/// <summary>What ssh is told so that its standard input and output become a connection to a daemon's socket on the other host.</summary>
internal static class SshCommand
{
    /// <summary>libvirt's place for the system daemon's socket, where netcat looks when the URI names no other. Hosts without a /run have this too.</summary>
    private const string SystemSocket = "/var/run/libvirt/libvirt-sock";

    /// <summary>Without argument zero.</summary>
    /// <param name="isUnattended">Nobody could answer a question, so ssh asks none.</param>
    public static IReadOnlyList<string> Arguments(RpcEndpoint.Ssh endpoint, bool isUnattended)
    {
        List<string> arguments = [];
        if (endpoint.Port is { } port) arguments.AddRange(["-p", port.ToString(CultureInfo.InvariantCulture)]);
        if (endpoint.User is { } user) arguments.AddRange(["-l", user]);
        if (endpoint.KeyFile is { } key) arguments.AddRange(["-i", key]);
        arguments.AddRange(["-T", "-e", "none"]);
        if (isUnattended || endpoint.IsUnattended) arguments.AddRange(["-o", "BatchMode=yes"]);
        if (!endpoint.Verify) arguments.AddRange(["-o", "StrictHostKeyChecking=no"]);
        return [.. arguments, "--", endpoint.Host, $"sh -c {Quoted(Script(endpoint))}"];
    }

    /// <summary>
    /// What runs there. libvirt's helper knows where its daemon listens, and so does ours; netcat is for hosts that have neither, or when the URI says
    /// which socket is meant.
    /// </summary>
    private static string Script(RpcEndpoint.Ssh endpoint)
    {
        var uri = Quoted(endpoint.DriverUri);
        var theirs = $"if command -v virt-ssh-helper >/dev/null 2>&1; then exec virt-ssh-helper {uri}; fi";
        var ours = $"wherryd ssh-helper {uri}";
        return endpoint.Proxy switch
        {
            RemoteProxy.Native => $"{theirs}; exec {ours}",
            RemoteProxy.Netcat => Netcat(endpoint),
            _ => $"{theirs}; if command -v wherryd >/dev/null 2>&1; then exec {ours}; fi; {Netcat(endpoint)}",
        };
    }

    /// <summary>Netcats that know -q wait for ever after the end of their input unless they are told not to; others do not know it.</summary>
    private static string Netcat(RpcEndpoint.Ssh endpoint)
    {
        var (netcat, socket) = (Quoted(endpoint.Netcat ?? "nc"), Quoted(endpoint.Socket ?? SystemSocket));
        return $"if {netcat} -q 2>&1 | grep 'requires an argument' >/dev/null; then exec {netcat} -q0 -U {socket}; else exec {netcat} -U {socket}; fi";
    }

    /// <summary>One word of a shell, whatever is in it.</summary>
    private static string Quoted(string word) => $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
