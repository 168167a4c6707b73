using System.Globalization;
using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>The XML that asks for a new volume.</summary>
/// <param name="Capacity">What a guest will see.</param>
/// <param name="Allocation">What it takes of the file system from the start.</param>
/// <param name="BackingPath">The image that it overlays; null: it stands alone.</param>
/// <param name="Compat">qcow2's version, such as "1.1"; null: the newest.</param>
public sealed record StorageVolumeSpec(
    string Name, ByteSize Capacity, ByteSize Allocation, DiskFormat Format, FilePermissions? Permissions, string? BackingPath, DiskFormat? BackingFormat,
    string? Compat)
{
    /// <summary>What libvirt can have in a directory.</summary>
    private static readonly string[] Formats =
        ["none", "raw", "dir", "bochs", "cloop", "dmg", "iso", "vpc", "vdi", "fat", "vhd", "ploop", "cow", "qcow", "qcow2", "qed", "vmdk", "auto"];

    /// <exception cref="WherryException">XmlDetail: no XML; XmlError: not a volume's; ConfigUnsupported: an image format that this daemon cannot make.</exception>
    public static StorageVolumeSpec Parse(string xml)
    {
        var root = StorageXml.Read(xml, "volume", "storage_volume_definition");
        var name = root.Text("name") ?? throw Invalid("missing volume name element");
        var backing = root.Element("backingStore");
        var capacity = Size(root, "capacity") ?? throw Invalid("missing capacity element");
        var target = root.Element("target");
        return new StorageVolumeSpec(
            name,
            capacity,
            Size(root, "allocation") ?? capacity,
            FormatOf(target) ?? DiskFormat.Raw,
            FilePermissions.Parse(target?.Element("permissions")),
            backing?.Text("path"),
            FormatOf(backing),
            Compatibility(target?.Text("compat")));
    }

    private static DiskFormat? FormatOf(XElement? image) => image?.Get("format", "type") switch
    {
        null => null,
        "raw" => DiskFormat.Raw,
        "qcow2" => DiskFormat.Qcow2,
        var other when !Formats.Contains(other) => throw new WherryException(
            ErrorCode.ConfigUnsupported, $"unknown volume format type {other}", ErrorDomain.Storage),
        var other => throw new WherryException(
            ErrorCode.ConfigUnsupported, $"volumes of format '{other}' are not supported by this daemon", ErrorDomain.Storage),
    };

    private static string? Compatibility(string? compat) => compat is null or "0.10" or "1.1"
        ? compat
        : throw Invalid($"unsupported 'compat' value '{compat}': it is 0.10 or 1.1");

    /// <summary>Without a unit the number counts bytes.</summary>
    private static ByteSize? Size(XElement root, string name)
    {
        if (root.Element(name) is not { Value.Length: > 0 } element)
            return null;
        if (!ulong.TryParse(element.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw Invalid($"malformed {name} element");
        var size = MemoryReading.Scale(number, element.Get("unit") ?? "bytes", element);
        return size.Bytes <= long.MaxValue
            ? size
            : throw new WherryException(ErrorCode.Overflow, $"{name} element value too large: {number}", ErrorDomain.Storage);
    }

    private static WherryException Invalid(string detail) => new(ErrorCode.XmlError, detail, ErrorDomain.Storage);
}

/// <summary>libvirt's kinds of volume that a directory holds, with its numbers.</summary>
public enum StorageVolumeKind
{
    File = 0,
    Directory = 2,
}

/// <summary>An image file, or a directory, as the host has it.</summary>
/// <param name="Path">Also its key.</param>
/// <param name="Capacity">Bytes that a guest sees.</param>
/// <param name="Allocation">Bytes that it takes of the file system.</param>
/// <param name="Physical">The file's length in bytes.</param>
/// <param name="Permissions">All three known.</param>
/// <param name="Times">null for a directory.</param>
/// <param name="Backing">What it overlays.</param>
/// <param name="Compat">Version of a qcow2 image.</param>
/// <param name="ClusterBytes">Of a qcow2 image that was found; null for one just made.</param>
public sealed record StorageVolume(
    string Name, string Path, StorageVolumeKind Kind, ulong Capacity, ulong Allocation, ulong Physical, DiskFormat Format, FilePermissions Permissions,
    FileTimes? Times, BackingVolume? Backing, string? Compat, uint? ClusterBytes)
{
    public string ToXml()
    {
        var isFile = Kind == StorageVolumeKind.File;
        return StorageXml.Write(new XElement(
            "volume",
            new XAttribute("type", isFile ? "file" : "dir"),
            new XElement("name", Name),
            new XElement("key", Path),
            StorageXml.Bytes("capacity", Capacity),
            StorageXml.Bytes("allocation", Allocation),
            isFile ? StorageXml.Bytes("physical", Physical) : null,
            new XElement(
                "target",
                new XElement("path", Path),
                FormatElement(isFile ? Format : null),
                Permissions.ToElement(),
                Times?.ToElement() ?? new XElement("timestamps", "\n    "),
                Compat is null ? null : new XElement("compat", Compat),
                ClusterBytes is { } cluster ? new XElement("clusterSize", new XAttribute("unit", "B"), cluster) : null,
                ClusterBytes is null ? null : new XElement("features")),
            Backing is null
                ? null
                : new XElement(
                    "backingStore",
                    new XElement("path", Backing.Path),
                    FormatElement(Backing.Format),
                    Backing.Permissions?.ToElement(),
                    Backing.Times?.ToElement())));
    }

    private static XElement FormatElement(DiskFormat? format) => new(
        "format", new XAttribute("type", format switch { null => "dir", DiskFormat.Qcow2 => "qcow2", _ => "raw" }));
}

/// <summary>The image below a volume; what the host says of it is null where it is not there.</summary>
public sealed record BackingVolume(string Path, DiskFormat Format, FilePermissions? Permissions, FileTimes? Times);

/// <summary>When a file was last read, written and changed otherwise.</summary>
public sealed record FileTimes(FileTime Read, FileTime Written, FileTime Changed)
{
    // When it was made is not told on Linux.
    internal XElement ToElement() => new(
        "timestamps", new XElement("atime", $"{Read}"), new XElement("mtime", $"{Written}"), new XElement("ctime", $"{Changed}"), new XElement("btime", 0));
}

/// <summary>Since 1970.</summary>
public readonly record struct FileTime(long Seconds, uint Nanoseconds)
{
    public override string ToString() => Nanoseconds == 0
        ? Seconds.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Seconds}.{Nanoseconds:D9}");
}
