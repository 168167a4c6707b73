using System.Collections.Immutable;

namespace Wherry.Xml;

/// <summary>What completion has to know about one QEMU binary. Filled by whoever has probed it.</summary>
public sealed record QemuCatalog
{
    /// <summary>Path of the binary.</summary>
    public required string Emulator { get; init; }

    /// <summary>The guest architecture it emulates, in libvirt's words.</summary>
    public string Arch { get; init; } = "x86_64";

    /// <summary>The machine for a domain that names none.</summary>
    public required string DefaultMachine { get; init; }

    /// <summary>Alias to canonical name: <c>pc</c> to <c>pc-i440fx-7.2</c>.</summary>
    public ImmutableDictionary<string, string> MachineAliases { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The CPU model of each canonical machine when nothing is asked for, without QEMU's type suffix: <c>qemu64</c>.</summary>
    public ImmutableDictionary<string, string> DefaultCpus { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Most vCPUs of each canonical machine.</summary>
    public ImmutableDictionary<string, int> MaxCpus { get; init; } = ImmutableDictionary<string, int>.Empty;

    /// <summary>Names of the devices that can be added with <c>-device</c>; null when unknown, then all are assumed.</summary>
    public ImmutableHashSet<string>? Devices { get; init; }

    public string Canonical(string machine) => MachineAliases.GetValueOrDefault(machine, machine);

    public bool Has(string device) => Devices is null || Devices.Contains(device);
}

/// <summary>Everything completion takes from outside the document.</summary>
public sealed record CompletionContext
{
    /// <summary>
    /// The catalog of an emulator (null: the default for the architecture), or null when there is none. A domain with an unknown
    /// machine or emulator is refused.
    /// </summary>
    public required Func<string? /* emulator */, string /* arch */, QemuCatalog?> FindCatalog { get; init; }

    public Func<Guid> NewUuid { get; init; } = Guid.NewGuid;

    /// <summary>A MAC address for an interface that has none: QEMU's 52:54:00 and three random bytes, as libvirt makes them.</summary>
    public Func<string> NewMac { get; init; } = RandomMac;

    /// <summary>
    /// True for define and create: hardware may be added freely. False for a definition that comes from elsewhere (migration),
    /// whose guest already has its hardware, so USB addresses that its sender did not write are not invented.
    /// </summary>
    public bool NewDomain { get; init; } = true;

    /// <summary>Where a guest with UEFI firmware keeps its variables when its definition does not say, by the domain's name.</summary>
    public Func<string, string> NvramPath { get; init; } = name => $"/var/lib/libvirt/qemu/nvram/{NvramSpec.FileName(name)}";

    private static string RandomMac()
    {
        Span<byte> bytes = stackalloc byte[3];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
        return $"52:54:00:{bytes[0]:x2}:{bytes[1]:x2}:{bytes[2]:x2}";
    }
}
