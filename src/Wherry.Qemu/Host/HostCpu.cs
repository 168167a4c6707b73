using System.Collections.Immutable;
using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>
/// The host's CPU as <c>virsh capabilities</c> describes it: a QEMU model that the host certainly is, plus what the host has beyond it.
/// We always name the baseline <c>kvm64</c>: any closer model would need a model database, and the pair means the same CPU.
/// </summary>
/// <param name="Vendor">libvirt's word: <c>Intel</c>, <c>AMD</c>, or null for any other.</param>
/// <param name="Features">Names as in <c>-cpu kvm64,+name</c>, ordered by CPUID leaf, register and bit.</param>
public sealed record HostCpu(
    string Arch,
    string Model,
    string? Vendor,
    long? Microcode,
    int Family,
    int ModelNumber,
    int Stepping,
    uint Sockets,
    uint Dies,
    uint Cores,
    uint Threads,
    int? PhysicalAddressBits,
    ImmutableArray<string> Features)
{
    public static HostCpu Read(HostFiles files, string arch = "x86_64")
    {
        var first = FirstProcessor(files);
        var node = NodeInfo.Read(files, arch);
        var dies = (uint)NumaCell.ReadAll(files).SelectMany(cell => cell.Cpus).Select(cpu => (cpu.SocketId, cpu.DieId)).Distinct()
            .GroupBy(die => die.SocketId).Select(socket => socket.Count()).DefaultIfEmpty(1).Max();
        return new HostCpu(
            arch,
            "kvm64",
            first.GetValueOrDefault("vendor_id") switch { "GenuineIntel" => "Intel", "AuthenticAMD" => "AMD", _ => null },
            Hex(first.GetValueOrDefault("microcode")),
            Number(first.GetValueOrDefault("cpu family")),
            Number(first.GetValueOrDefault("model")),
            Number(first.GetValueOrDefault("stepping")),
            node.Sockets,
            dies,
            Math.Max(1, node.Cores / dies),
            node.Threads,
            first.GetValueOrDefault("address sizes")?.Split(' ') is [var bits, ..] ? Number(bits) : null,
            CpuFlags.ToFeatures(first.GetValueOrDefault("flags") ?? ""));
    }

    private static Dictionary<string, string> FirstProcessor(HostFiles files)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in files.ReadLines("proc/cpuinfo").TakeWhile(line => line.Length > 0))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0)
                values.TryAdd(line[..colon].TrimEnd(), line[(colon + 1)..].Trim());
        }
        return values;
    }

    private static int Number(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static long? Hex(string? text) =>
        text is ['0', 'x', .. var digits] && long.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;
}
