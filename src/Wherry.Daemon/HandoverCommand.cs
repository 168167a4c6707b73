using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Daemon.Configuration;
using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Rpc.Client;
using Wherry.Wire.Handover;

namespace Wherry.Daemon;

/// <summary>
/// <c>wherryd handover</c>: asks the daemon of this host for hand-overs that are in doubt, and tells it what only a person can know.
/// <code>
///   wherryd handover list
///   wherryd handover force-source      --id ID --i-fenced HOST      on the source, when the destination's host is dead
///   wherryd handover force-destination --id ID --i-fenced HOST      on the destination, when the source's host is dead
/// </code>
/// </summary>
internal static class HandoverCommand
{
    public const string Command = "handover";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    /// <returns>The exit code.</returns>
    public static Task<int> RunAsync(IReadOnlyList<string> arguments, uint uid)
    {
        var socket = new Option<string?>("--socket") { Description = "The daemon's libvirt-admin-sock (default: that of the system's daemon or, for a user, his own)", Recursive = true };
        var root = new RootCommand("Migrations that are not over, and those which nobody but an operator can decide") { socket };

        var list = new Command("list", "Every hand-over that is not over: where it stands, and since when");
        list.SetAction((parsed, ct) => AskAsync(Socket(parsed.GetValue(socket), uid), ListAsync, ct));
        root.Add(list);

        root.Add(Force(
            "force-source",
            "The destination's host is powered off: the guest goes on here. What it did there, if it had been started, is lost",
            HandoverProcedure.ForceSource));
        root.Add(Force(
            "force-destination",
            "The source's host is powered off, and all of the guest is here: it goes on here. Before that host is switched on again, see to it that it does not start the guest",
            HandoverProcedure.ForceDestination));
        return root.Parse(arguments).InvokeAsync();

        Command Force(string name, string description, int procedure)
        {
            var id = new Option<Guid>("--id") { Description = "The hand-over, as listed", Required = true };
            var host = new Option<string>("--i-fenced") { Description = "The other host, which you have powered off and which stays off: a host that does not answer may still run the guest", Required = true };
            var command = new Command(name, description) { id, host };
            command.SetAction((parsed, ct) => AskAsync(
                Socket(parsed.GetValue(socket), uid),
                async (daemon, t) =>
                {
                    var done = await daemon.CallAsync<HandoverForceArgs, HandoverForceRet>(
                        HandoverProcedure.Program, HandoverProcedure.Version, procedure, new HandoverForceArgs(parsed.GetValue(id), parsed.GetValue(host) ?? ""), t);
                    await Console.Out.WriteLineAsync(done.Text);
                },
                ct));
            return command;
        }
    }

    private static string Socket(string? named, uint uid) =>
        named ?? Path.Combine((uid == 0 ? DaemonPaths.ForSystem : DaemonPaths.ForSession(Environment.GetEnvironmentVariable, uid)).Runtime, "libvirt-admin-sock");

    private static async Task ListAsync(ClientConnection daemon, CancellationToken ct)
    {
        var listed = await daemon.CallAsync<Nothing, HandoverListRet>(HandoverProcedure.Program, HandoverProcedure.Version, HandoverProcedure.List, default, ct);
        foreach (var one in listed.HandOvers)
        {
            var since = DateTimeOffset.FromUnixTimeSeconds(one.SinceSeconds).ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
            await Console.Out.WriteLineAsync(
                $"""
                {one.Handover} {one.DomainName} ({one.Domain})
                  this host: {one.Role}, {one.State} since {since}; {one.Here}
                  peer:      {one.PeerHost} {one.Peer}; {one.There}
                """);
            if (one.Command.Length > 0)
                await Console.Out.WriteLineAsync($"  if the peer's host is dead, power it off, then: {one.Command}");
        }
    }

    private static async Task<int> AskAsync(string socket, Func<ClientConnection, CancellationToken, Task> ask, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await using var daemon = await ClientConnection.ConnectPlainAsync(socket, new ClientConnectionOptions(), TimeProvider.System, NullLogger.Instance, either.Token);
            await ask(daemon, either.Token);
            return 0;
        }
        catch (Exception e) when (e is WherryException or ConnectionLostException)
        {
            await Console.Error.WriteLineAsync($"wherryd handover: {e.Message}");
            return 1;
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"wherryd handover: the daemon at {socket} has not answered for {Patience.TotalSeconds:0} s");
            return 1;
        }
    }
}
