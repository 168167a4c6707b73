using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

/// <summary>What the agent inside a guest tells of it, with libvirt's numbers (VIR_DOMAIN_GUEST_INFO_*).</summary>
[Flags]
public enum GuestTopics
{
    None = 0,
    Users = 1,
    OperatingSystem = 2,
    Timezone = 4,
    Hostname = 8,
    FileSystems = 16,
    Disks = 32,
    Interfaces = 64,
    All = 127,
}

/// <summary>Answers of the agent; null or empty: not asked, or the agent does not know that question.</summary>
/// <param name="OperatingSystem">Names and values as libvirt has them, in its order: "id", "name", ...</param>
/// <param name="Disks">Whose addresses are those of the definition <see cref="Seen"/> with it.</param>
/// <param name="Seen">The domain as it runs.</param>
public sealed record GuestReport(
    ImmutableArray<GuestUser>? Users,
    ImmutableArray<(string Name, string Value)> OperatingSystem,
    GuestTimezone? Timezone,
    string? Hostname,
    ImmutableArray<GuestFileSystem> FileSystems,
    ImmutableArray<GuestDisk> Disks,
    ImmutableArray<GuestInterface> Interfaces,
    DomainSpec Seen);

/// <param name="Domain">Of Windows; null elsewhere.</param>
/// <param name="LoginMs">Since 1970, in milliseconds.</param>
public sealed record GuestUser(string Name, string? Domain, ulong LoginMs)
{
    internal static GuestUser From(JsonElement user) => new(
        user.Need("user", "guest-get-users"),
        user.Text("domain"),
        user.Member("login-time") is { ValueKind: JsonValueKind.Number } time && time.GetDouble() is >= 0 and < ulong.MaxValue / 1000 and var seconds
            ? (ulong)(seconds * 1000)
            : throw GuestJson.Missing("login-time", "guest-get-users"));
}

/// <param name="Offset">Seconds east of Greenwich.</param>
public sealed record GuestTimezone(string? Name, int Offset)
{
    internal static GuestTimezone From(JsonElement zone) => new(
        zone.Text("zone"),
        zone.Member("offset") is { ValueKind: JsonValueKind.Number } offset && offset.TryGetInt32(out var seconds)
            ? seconds
            : throw GuestJson.Missing("offset", "guest-get-timezone"));
}

/// <param name="TotalBytes">null: an agent before 3.0, which does not say.</param>
public sealed record GuestFileSystem(
    string Name, string MountPoint, string Type, ulong? TotalBytes, ulong? UsedBytes, ImmutableArray<GuestDiskAddress> Disks)
{
    internal static GuestFileSystem From(JsonElement system)
    {
        const string Command = "guest-get-fsinfo";
        var mountPoint = system.Need("mountpoint", Command);
        var name = system.Need("name", Command);
        var type = system.Need("type", Command);
        var used = Bytes(system, "used-bytes");
        var total = Bytes(system, "total-bytes");
        var disks = system.Member("disk") ?? throw GuestJson.Missing("disk", Command);
        if (disks.ValueKind != JsonValueKind.Array)
            throw new WherryException(ErrorCode.InternalError, "Malformed guest-get-fsinfo 'disk' data array");
        return new GuestFileSystem(name, mountPoint, type, total, used, [.. disks.EnumerateArray().Select(GuestDiskAddress.From)]);
    }

    private static ulong? Bytes(JsonElement system, string name) => system.Member(name) switch
    {
        null => null,
        { ValueKind: JsonValueKind.Number } number when number.TryGetUInt64(out var bytes) => bytes,
        _ => throw new WherryException(ErrorCode.InternalError, $"Error getting '{name}' in reply of guest-get-fsinfo"),
    };
}

/// <summary>Where a disk is plugged in, as the guest sees it.</summary>
/// <param name="Node">Its name in the guest, such as "/dev/vda1"; null where the agent does not say.</param>
public sealed record GuestDiskAddress(string? Serial, string? Node, DeviceAddress.Pci Controller, uint Bus, uint Target, uint Unit)
{
    internal static GuestDiskAddress From(JsonElement disk)
    {
        var (bus, target, unit) = (Number(disk, "bus"), Number(disk, "target"), Number(disk, "unit"));
        var pci = disk.Member("pci-controller") ?? throw new WherryException(ErrorCode.InternalError, "'pci-controller' missing");
        return new GuestDiskAddress(
            disk.Text("serial"),
            disk.Text("dev"),
            new DeviceAddress.Pci(
                unchecked((int)Number(pci, "domain")), unchecked((int)Number(pci, "bus")), unchecked((int)Number(pci, "slot")),
                unchecked((int)Number(pci, "function"))),
            bus,
            target,
            unit);
    }

    /// <summary>The name by which the definition has this disk, such as "vda"; null: it is none of the definition's.</summary>
    public string? TargetIn(DomainSpec spec)
    {
        var controller = spec.Controllers.FirstOrDefault(controller => IsHere(controller.Address));
        return spec.Disks.FirstOrDefault(disk => disk.Address switch
        {
            DeviceAddress.Pci => IsHere(disk.Address),
            DeviceAddress.Drive drive => controller is not null && Serves(controller.Type, disk.Bus) && drive.Controller == controller.Index
                && drive.Bus == Bus && drive.Target == Target && drive.Unit == Unit,
            _ => false,
        })?.TargetDev;
    }

    private bool IsHere(DeviceAddress? address) =>
        address is DeviceAddress.Pci pci && pci with { Multifunction = null } == Controller;

    private static bool Serves(ControllerType type, DiskBus bus) => (type, bus) switch
    {
        (ControllerType.Scsi, DiskBus.Scsi) or (ControllerType.Fdc, DiskBus.Fdc) or (ControllerType.Ide, DiskBus.Ide) or (ControllerType.Sata, DiskBus.Sata) => true,
        _ => false,
    };

    private static uint Number(JsonElement at, string name) => at.Member(name) switch
    {
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt64(out var value) && value is >= int.MinValue and <= uint.MaxValue => unchecked((uint)value),
        _ => throw new WherryException(ErrorCode.InternalError, $"'{name}' missing"),
    };
}

/// <param name="Dependencies">Names of the disks below it; null: the agent does not say.</param>
/// <param name="Address">null: it has none.</param>
/// <param name="Alias">The guest's own other name for it.</param>
public sealed record GuestDisk(string Name, bool IsPartition, ImmutableArray<string>? Dependencies, GuestDiskAddress? Address, string? Alias)
{
    internal static GuestDisk From(JsonElement disk)
    {
        const string Command = "guest-get-disks";
        var name = disk.Need("name", Command);
        if (disk.Member("partition") is not { ValueKind: JsonValueKind.True or JsonValueKind.False } partition)
            throw GuestJson.Missing("partition", Command);
        ImmutableArray<string>? dependencies = disk.Member("dependencies") is { ValueKind: JsonValueKind.Array } below
            ? [.. below.EnumerateArray().Select(one => one.ValueKind == JsonValueKind.String ? one.GetString()! : throw GuestJson.Missing("dependencies", Command))]
            : null;
        return new GuestDisk(
            name,
            partition.GetBoolean(),
            dependencies,
            disk.Member("address") is { ValueKind: JsonValueKind.Object } address ? GuestDiskAddress.From(address) : null,
            disk.Text("alias"));
    }
}

/// <param name="Mac">null for one without.</param>
public sealed record GuestInterface(string Name, string? Mac, ImmutableArray<GuestAddress> Addresses)
{
    /// <summary>Aliases ("eth0:1") count as the interface that they belong to.</summary>
    internal static ImmutableArray<GuestInterface> AllFrom(JsonElement interfaces)
    {
        var all = new List<GuestInterface>();
        foreach (var one in interfaces.EnumerateArray())
        {
            var name = one.Text("name") ?? throw new WherryException(ErrorCode.InternalError, "qemu agent didn't provide 'name' field");
            var own = name.Split(':')[0];
            var at = all.FindIndex(known => known.Name == own);
            if (at < 0)
            {
                at = all.Count;
                all.Add(new GuestInterface(own, one.Text("hardware-address"), []));
            }

            if (one.Member("ip-addresses") is not { } addresses)
                continue;
            if (addresses.ValueKind != JsonValueKind.Array)
                throw new WherryException(ErrorCode.InternalError, "Malformed ip-addresses array");
            all[at] = all[at] with { Addresses = [.. all[at].Addresses, .. addresses.EnumerateArray().Select(address => GuestAddress.From(address, name))] };
        }

        return [.. all];
    }
}

/// <param name="Prefix">Bits of the network's part.</param>
public sealed record GuestAddress(bool IsIpv6, string Address, uint Prefix)
{
    internal static GuestAddress From(JsonElement address, string name)
    {
        var type = address.Text("ip-address-type") ?? throw Lacks("ip-address-type");
        if (type is not ("ipv4" or "ipv6"))
            throw new WherryException(ErrorCode.InternalError, $"unknown ip address type '{type}'");
        var text = address.Text("ip-address") ?? throw Lacks("ip-address");
        return address.Member("prefix") is { ValueKind: JsonValueKind.Number } prefix && prefix.TryGetUInt32(out var bits)
            ? new GuestAddress(type == "ipv6", text, bits)
            : throw new WherryException(ErrorCode.InternalError, "malformed 'prefix' field");

        WherryException Lacks(string field) =>
            new(ErrorCode.InternalError, $"qemu agent didn't provide '{field}' field for interface '{name}'");
    }
}

/// <summary>Reading what a guest says, which may be anything.</summary>
internal static class GuestJson
{
    public static JsonElement? Member(this JsonElement at, string name) =>
        at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out var member) ? member : null;

    public static string? Text(this JsonElement at, string name) =>
        at.Member(name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    public static string Need(this JsonElement at, string name, string command) => at.Text(name) ?? throw Missing(name, command);

    public static WherryException Missing(string name, string command) =>
        new(ErrorCode.InternalError, $"'{name}' missing in reply of {command}");
}
