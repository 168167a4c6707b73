using System.Globalization;
using System.Text.Json.Nodes;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;
using Wherry.Wire.Remote;

namespace Wherry.Testbed.Judges;

/// <summary>
/// J5, clean: what a migration needed for itself is gone when it is over, whichever way it ended. QEMU is as one that has never migrated, and neither
/// host keeps a process, a port, a record or a file of it.
/// </summary>
internal static class Leftovers
{
    private const int FirstPort = 49152, LastPort = 49215, Listening = 0x0A;

    /// <summary>What the QEMU has set for migrations: compared before and after.</summary>
    public static string Settings(DaemonRunner daemon, string domain)
    {
        using var client = new PlainClient(daemon);
        var running = client.Find(domain);
        // "events" is no setting of one migration: a stock daemon has it on from the start, wherryd from the first migration.
        var capabilities = client.Monitor(running, "query-migrate-capabilities")?.AsArray()
            .Where(capability => (bool?)capability?["state"] == true && (string?)capability["capability"] != "events")
            .Select(capability => (string?)capability?["capability"]);
        return $"{string.Join(' ', capabilities ?? [])}\n{client.Monitor(running, "query-migrate-parameters")?.ToJsonString()}";
    }

    /// <summary>As sentences; empty when there is nothing.</summary>
    /// <param name="pair">Both hosts.</param>
    /// <param name="domain">The guest.</param>
    /// <param name="home">Where it runs.</param>
    /// <param name="settings">What <see cref="Settings"/> said before its first migration.</param>
    public static List<string> Find(HostPair pair, TestDomain domain, DaemonRunner home, string settings)
    {
        var found = new List<string>();
        var processes = Processes(domain);
        if (processes.Count != 1)
            found.Add($"{processes.Count} QEMUs have this guest's uuid, not one: {string.Join(' ', processes)}");
        foreach (var daemon in new[] { pair.Alpha, pair.Bravo })
        {
            found.AddRange(Ports(daemon.Host).Select(port => $"on {daemon.Host.Name} {port}"));
            if (daemon is Wherryd ours)
                found.AddRange(Files(ours, domain, daemon == home).Select(file => $"on {daemon.Host.Name} {file}"));
        }

        found.AddRange(InQemu(home, domain, settings).Select(thing => $"in the QEMU {thing}"));
        return found;
    }

    private static List<int> Processes(TestDomain domain)
    {
        var found = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid))
                continue;
            try
            {
                var arguments = File.ReadAllText(Path.Combine(directory, "cmdline")).Split('\0');
                if (Array.IndexOf(arguments, "-uuid") is >= 0 and var at && arguments[at + 1] == $"{domain.Uuid}")
                    found.Add(pid);
            }
            catch (IOException)
            {
                // It has just ended.
            }
        }

        return found;
    }

    // Of the host's own network: listeners, and the names by which wherryd claims a port before QEMU has it.
    private static IEnumerable<string> Ports(TestHost host)
    {
        if (host.NetworkTables is not { } tables)
            yield break;
        foreach (var table in new[] { "tcp", "tcp6" })
        {
            foreach (var line in File.ReadLines(Path.Combine(tables, table)).Skip(1))
            {
                // sl local_address rem_address st ...: the local address is HEX:PORT.
                var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                var port = int.Parse(fields[1].AsSpan(fields[1].LastIndexOf(':') + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                if (port is >= FirstPort and <= LastPort && int.Parse(fields[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture) == Listening)
                    yield return $"somebody listens on port {port}";
            }
        }

        foreach (var line in File.ReadLines(Path.Combine(tables, "unix")).Where(line => line.Contains("@wherry/port/49", StringComparison.Ordinal)))
            yield return $"a port is still claimed: {line[line.LastIndexOf('@')..]}";
    }

    private static IEnumerable<string> Files(Wherryd daemon, TestDomain domain, bool isHome)
    {
        var records = Path.Combine(daemon.StateDirectory, "handover");
        if (Directory.Exists(records))
        {
            foreach (var record in Directory.EnumerateFiles(records).Where(IsOpen))
                yield return $"a record of the hand-over is left: {Path.GetFileName(record)}";
        }

        foreach (var file in Directory.EnumerateFiles(Path.Combine(daemon.RuntimeDirectory, "qemu"), "*.tunnel"))
            yield return $"the tunnel is left: {Path.GetFileName(file)}";
        var places = Directory.EnumerateFileSystemEntries(Path.Combine(daemon.StateDirectory, "qemu"), $"domain-*-{domain.Name}")
            .Concat(Directory.EnumerateFiles(Path.Combine(daemon.RuntimeDirectory, "qemu"), $"*-{domain.Name}.monitor"))
            .Concat(Directory.EnumerateFiles(Path.Combine(daemon.RuntimeDirectory, "qemu"), $"{domain.Name}.json"))
            .Select(Path.GetFileName)
            .ToList();
        if (places.Count != (isHome ? 3 : 0))
            yield return $"there are {places.Count} files and directories of the guest, not {(isHome ? 3 : 0)}: {string.Join(' ', places)}";
    }

    // A source keeps what became of a hand-over until the domain's next one.
    private static bool IsOpen(string record)
    {
        try
        {
            return (string?)JsonNode.Parse(File.ReadAllText(record))?["source"]?["phase"] is not ("closed" or "Closed");
        }
        catch (Exception e) when (e is IOException or System.Text.Json.JsonException)
        {
            return true;
        }
    }

    private static IEnumerable<string> InQemu(DaemonRunner home, TestDomain domain, string settings)
    {
        using var client = new PlainClient(home);
        var running = client.Find(domain.Name);
        foreach (var list in new[] { "query-jobs", "query-block-jobs", "query-block-exports" })
        {
            if (client.Monitor(running, list) is not JsonArray { Count: 0 } left)
                yield return $"{list} is not empty";
        }

        foreach (var node in client.Monitor(running, "query-named-block-nodes")?.AsArray() ?? [])
        {
            if ((string?)node?["node-name"] is { } name && name.StartsWith("migration-", StringComparison.Ordinal))
                yield return $"the block node {name} is left";
        }

        foreach (var thing in client.Monitor(running, "qom-list", """{"path":"/objects"}""")?.AsArray() ?? [])
        {
            if ((string?)thing?["name"] is { } name && name.Contains("migrate", StringComparison.Ordinal))
                yield return $"the object {name} is left";
        }

        // A stock daemon leaves its own behind.
        if (home is Wherryd && Settings(home, domain.Name) is var now && now != settings)
            yield return $"migration settings differ: before {settings}\nnow {now}";
        if (client.Call<DomainGetJobInfoArgs, DomainGetJobInfoRet>(RemoteProcedure.DomainGetJobInfo, new DomainGetJobInfoArgs(running)).Type != 0)
            yield return "there is a job";
    }
}
