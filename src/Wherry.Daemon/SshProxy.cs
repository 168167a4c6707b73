using System.CommandLine;
using Wherry.Daemon.Configuration;
using Wherry.Errors;
using Wherry.Rpc.Client;

namespace Wherry.Daemon;

/// <summary>
/// <c>wherryd ssh-helper [-r] URI</c>: what libvirt's clients run at the far end of qemu+ssh://, under the name virt-ssh-helper. Where libvirt's
/// own is not installed, or where our sockets are in our places, a script of that name in the PATH calls this:
/// <code>
///   #!/bin/sh
///   exec wherryd ssh-helper "$@"
/// </code>
/// </summary>
internal static class SshProxy
{
    public const string Command = "ssh-helper";

    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(IReadOnlyList<string> arguments, uint uid)
    {
        var readOnly = new Option<bool>("--readonly", "-r") { Description = "Connect to the read-only socket" };
        var uri = new Argument<string>("URI") { Description = "qemu:///system or qemu:///session" };
        var command = new RootCommand("Join standard input and output with the daemon's socket") { readOnly, uri };
        command.SetAction((parsed, ct) => ProxyAsync(parsed.GetRequiredValue(uri), parsed.GetValue(readOnly), uid, ct));
        return command.Parse(arguments).InvokeAsync();
    }

    /// <summary>The socket that a URI means on this machine: ours where there is one, else libvirt's, which --libvirt-sockets takes.</summary>
    /// <param name="exists">Whether there is a file of that name.</param>
    public static string SocketPath(string uri, bool isReadOnly, Func<string, string?> environment, uint uid, Func<string, bool> exists)
    {
        if (!Uri.TryCreate(uri, UriKind.Absolute, out var parsed) || parsed.Host.Length > 0 || parsed.AbsolutePath is not ("/system" or "/session"))
            throw new WherryException(ErrorCode.InvalidArg, $"URI '{uri}': neither DRIVER:///system nor DRIVER:///session", ErrorDomain.Rpc);
        var isSystem = parsed.AbsolutePath == "/system";
        var own = (isSystem ? DaemonPaths.ForSystem : DaemonPaths.ForSession(environment, uid)).Runtime;
        var libvirts = Path.Combine(Path.GetDirectoryName(own)!, "libvirt"); // "wherry" and "libvirt" lie side by side
        // A user's daemon has no use for a second socket: his client says that it wants to read only.
        var name = isReadOnly && isSystem ? "libvirt-sock-ro" : "libvirt-sock";
        return Path.Combine(exists(Path.Combine(own, name)) ? own : libvirts, name);
    }

    private static async Task<int> ProxyAsync(string uri, bool isReadOnly, uint uid, CancellationToken ct)
    {
        try
        {
            var path = SocketPath(uri, isReadOnly, Environment.GetEnvironmentVariable, uid, File.Exists);
            await SocketProxy.RunAsync(path, Console.OpenStandardInput(), Console.OpenStandardOutput(), ct);
            return 0;
        }
        catch (WherryException e)
        {
            await Console.Error.WriteLineAsync($"wherryd ssh-helper: {e.Message}");
            return 1;
        }
        catch (IOException)
        {
            return 0; // ssh has gone
        }
    }
}
