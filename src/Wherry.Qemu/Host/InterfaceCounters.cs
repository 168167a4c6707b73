using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>What went over a network device of the host, seen from the host's side.</summary>
public sealed record InterfaceCounters(TrafficCounters Received, TrafficCounters Sent)
{
    /// <summary>The same traffic as a guest behind a tap device sees it: what the host sends into the tap, the guest receives.</summary>
    public InterfaceCounters SeenByGuest => new(Sent, Received);

    /// <summary>Null when there is no such device.</summary>
    public static InterfaceCounters? Read(HostFiles files, string device)
    {
        // Two title lines, then "name: bytes packets errs drop fifo frame compressed multicast" received, and the same sent. Source: proc(5).
        foreach (var line in files.ReadLines("proc/net/dev"))
        {
            var colon = line.LastIndexOf(':');
            if (colon < 0 || line[..colon].Trim() != device)
                continue;
            var values = line[(colon + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            const int sent = 8;
            if (values.Length < sent + 4)
                return null;
            long At(int index) => long.Parse(values[index], CultureInfo.InvariantCulture);
            return new InterfaceCounters(
                new TrafficCounters(At(0), At(1), At(2), At(3)), new TrafficCounters(At(sent), At(sent + 1), At(sent + 2), At(sent + 3)));
        }
        return null;
    }
}

/// <summary>One direction.</summary>
public sealed record TrafficCounters(long Bytes, long Packets, long Errors, long Dropped);
