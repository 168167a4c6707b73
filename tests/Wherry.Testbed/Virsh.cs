using Wherry.Testbed.Hosts;

namespace Wherry.Testbed;

/// <summary>The unmodified virsh of the distribution, connected to a daemon.</summary>
public sealed record Virsh(DaemonRunner Daemon)
{
    /// <summary>Runs virsh outside of the host's namespaces, over the daemon's unix socket.</summary>
    public Task<CommandResult> RunAsync(params IEnumerable<string> arguments) => Command.RunAsync(["virsh", "-q", "-c", Daemon.Uri, .. arguments]);

    /// <summary>What it prints, without the last line end; fails unless virsh succeeds.</summary>
    public async Task<string> AskAsync(params IEnumerable<string> arguments) => (await RunAsync(arguments).Checked()).Output.TrimEnd();

    /// <summary>Runs a command that takes a file of XML as its last argument, such as "define" or "create".</summary>
    public async Task<CommandResult> RunWithXmlAsync(string command, string xml, params IEnumerable<string> before)
    {
        var file = Path.Combine(Daemon.Host.Directory, $"{Guid.NewGuid():N}.xml");
        await File.WriteAllTextAsync(file, xml);
        try
        {
            return await RunAsync([command, .. before, file]);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
