using System.Collections.Immutable;

namespace Wherry.Qemu.Host;

/// <summary>A machine that the host has spoken IPv4 with on one of its links, as its ARP table has it.</summary>
public sealed record Neighbour(string Address, string Mac)
{
    public static ImmutableArray<Neighbour> ReadAll(HostFiles files) =>
    [
        // A title line, then "address type flags mac mask device". Source: proc(5).
        .. files.ReadLines("proc/net/arp").Skip(1)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(words => words.Length >= 6)
            .Select(words => new Neighbour(words[0], words[3])),
    ];
}
