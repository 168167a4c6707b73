using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

/// <summary>What a guest tells of itself as libvirt's typed parameters, in its order: "user.count", "os.id", "fs.0.name" and so on.</summary>
internal static class GuestReportReply
{
    public static ImmutableArray<TypedParameter> Parameters(GuestReport report)
    {
        var list = new List<TypedParameter>();
        if (report.Users is { } users)
            Add(list, users);
        list.AddRange(report.OperatingSystem.Select(property => TypedParameter.String($"os.{property.Name}", property.Value)));
        if (report.Timezone is { } zone)
        {
            AddText(list, "timezone.name", zone.Name);
            list.Add(TypedParameter.Int("timezone.offset", zone.Offset));
        }

        AddText(list, "hostname", report.Hostname);
        if (!report.FileSystems.IsEmpty)
            Add(list, report.FileSystems, report.Seen);
        if (!report.Disks.IsEmpty)
            Add(list, report.Disks, report.Seen);
        if (!report.Interfaces.IsEmpty)
            Add(list, report.Interfaces);
        return [.. list];
    }

    private static void Add(List<TypedParameter> list, ImmutableArray<GuestUser> users)
    {
        list.Add(TypedParameter.UInt("user.count", (uint)users.Length));
        foreach (var (i, user) in users.Index())
        {
            list.Add(TypedParameter.String($"user.{i}.name", user.Name));
            AddText(list, $"user.{i}.domain", user.Domain);
            list.Add(TypedParameter.ULLong($"user.{i}.login-time", user.LoginMs));
        }
    }

    private static void Add(List<TypedParameter> list, ImmutableArray<GuestFileSystem> systems, DomainSpec spec)
    {
        list.Add(TypedParameter.UInt("fs.count", (uint)systems.Length));
        foreach (var (i, system) in systems.Index())
        {
            list.Add(TypedParameter.String($"fs.{i}.name", system.Name));
            list.Add(TypedParameter.String($"fs.{i}.mountpoint", system.MountPoint));
            list.Add(TypedParameter.String($"fs.{i}.fstype", system.Type));
            if (system.TotalBytes is { } total)
                list.Add(TypedParameter.ULLong($"fs.{i}.total-bytes", total));
            if (system.UsedBytes is { } used)
                list.Add(TypedParameter.ULLong($"fs.{i}.used-bytes", used));
            list.Add(TypedParameter.UInt($"fs.{i}.disk.count", (uint)system.Disks.Length));
            foreach (var (j, disk) in system.Disks.Index())
            {
                AddText(list, $"fs.{i}.disk.{j}.alias", disk.TargetIn(spec));
                AddText(list, $"fs.{i}.disk.{j}.serial", disk.Serial);
                AddText(list, $"fs.{i}.disk.{j}.device", disk.Node);
            }
        }
    }

    private static void Add(List<TypedParameter> list, ImmutableArray<GuestDisk> disks, DomainSpec spec)
    {
        list.Add(TypedParameter.UInt("disk.count", (uint)disks.Length));
        foreach (var (i, disk) in disks.Index())
        {
            list.Add(TypedParameter.String($"disk.{i}.name", disk.Name));
            list.Add(TypedParameter.Boolean($"disk.{i}.partition", disk.IsPartition));
            if (disk.Dependencies is { IsEmpty: false } below)
            {
                list.Add(TypedParameter.UInt($"disk.{i}.dependency.count", (uint)below.Length));
                foreach (var (j, name) in below.Index())
                    list.Add(TypedParameter.String($"disk.{i}.dependency.{j}.name", name));
            }

            AddText(list, $"disk.{i}.serial", disk.Address?.Serial);
            AddText(list, $"disk.{i}.alias", disk.Address?.TargetIn(spec));
            AddText(list, $"disk.{i}.guest_alias", disk.Alias);
        }
    }

    private static void Add(List<TypedParameter> list, ImmutableArray<GuestInterface> interfaces)
    {
        list.Add(TypedParameter.UInt("if.count", (uint)interfaces.Length));
        foreach (var (i, one) in interfaces.Index())
        {
            list.Add(TypedParameter.String($"if.{i}.name", one.Name));
            AddText(list, $"if.{i}.hwaddr", one.Mac);
            list.Add(TypedParameter.UInt($"if.{i}.addr.count", (uint)one.Addresses.Length));
            foreach (var (j, address) in one.Addresses.Index())
            {
                list.Add(TypedParameter.String($"if.{i}.addr.{j}.type", address.IsIpv6 ? "ipv6" : "ipv4"));
                list.Add(TypedParameter.String($"if.{i}.addr.{j}.addr", address.Address));
                list.Add(TypedParameter.UInt($"if.{i}.addr.{j}.prefix", address.Prefix));
            }
        }
    }

    private static void AddText(List<TypedParameter> list, string name, string? text)
    {
        if (text is not null)
            list.Add(TypedParameter.String(name, text));
    }
}
