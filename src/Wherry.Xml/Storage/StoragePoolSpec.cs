using System.Globalization;
using System.Text;
using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>A storage pool's XML, reduced to what a directory needs.</summary>
/// <param name="TargetPath">The directory.</param>
/// <param name="Permissions">What the XML asks for; null: nothing.</param>
public sealed record StoragePoolSpec(string Name, Guid Uuid, string TargetPath, FilePermissions? Permissions)
{
    /// <summary>libvirt's kinds of pool in the order of its numbers.</summary>
    private static readonly string[] Kinds =
        ["dir", "fs", "netfs", "logical", "disk", "iscsi", "iscsi-direct", "scsi", "mpath", "rbd", "sheepdog", "gluster", "zfs", "vstorage"];

    /// <exception cref="WherryException">XmlDetail: no XML; XmlError: not a pool's; InternalError: of a kind that this daemon has no driver for.</exception>
    public static StoragePoolSpec Parse(string xml)
    {
        var root = StorageXml.Read(xml, "pool", "storage_pool_definition");
        var kind = root.Get("type") ?? throw Invalid("Missing required attribute 'type' in element 'pool'", ErrorDomain.Xml);
        var number = Array.IndexOf(Kinds, kind);
        if (number < 0)
            throw Invalid($"Invalid value for attribute 'type' in element 'pool': '{kind}'.", ErrorDomain.Xml);
        if (number > 0)
            throw new WherryException(ErrorCode.InternalError, $"missing backend for pool type {number} ({kind})", ErrorDomain.Storage);
        var name = root.Text("name") ?? throw Invalid("missing pool source name element");
        if (name.Contains('/', StringComparison.Ordinal))
            throw Invalid($"name {name} cannot contain '/'");
        if (name.Contains('\n', StringComparison.Ordinal))
            throw Invalid("invalid char in name: \n", ErrorDomain.None);
        var uuid = Guid.NewGuid();
        if (root.Text("uuid") is { } text && !Guid.TryParseExact(text, "D", out uuid) && !Guid.TryParseExact(text, "N", out uuid))
            throw Invalid("malformed uuid element");
        var target = root.Element("target");
        var path = target?.Text("path") ?? throw Invalid("missing storage pool target path");
        if (path[0] != '/')
            throw Invalid($"storage pool target path '{path}' is not absolute");
        return new StoragePoolSpec(name, uuid, StorageXml.SanitizedPath(path), FilePermissions.Parse(target.Element("permissions")));
    }

    /// <param name="sizes">Zeros for a pool that is not active.</param>
    /// <param name="permissions">As the directory has them; null: as the XML asked.</param>
    public string ToXml(PoolSizes sizes, FilePermissions? permissions = null)
    {
        var target = new XElement("target", new XElement("path", TargetPath), (permissions ?? Permissions)?.ToElement());
        var pool = new XElement(
            "pool",
            new XAttribute("type", "dir"),
            new XElement("name", Name),
            new XElement("uuid", Uuid),
            StorageXml.Bytes("capacity", sizes.Capacity),
            StorageXml.Bytes("allocation", sizes.Allocation),
            StorageXml.Bytes("available", sizes.Available),
            new XElement("source", "\n  "),
            target);
        return StorageXml.Write(pool);
    }

    private static WherryException Invalid(string detail, ErrorDomain domain = ErrorDomain.Storage) => new(ErrorCode.XmlError, detail, domain);
}

/// <summary>Bytes of the file system that a pool lies on.</summary>
public readonly record struct PoolSizes(ulong Capacity, ulong Allocation, ulong Available);

/// <summary>Of a file or directory; null where the XML leaves it open.</summary>
/// <param name="Mode">The nine bits and the three above them.</param>
public sealed record FilePermissions(int? Mode, uint? Owner, uint? Group)
{
    private const int ModeBits = 0xFFF;

    internal static FilePermissions? Parse(XElement? permissions)
    {
        if (permissions is null)
            return null;
        return new FilePermissions(Octal(permissions.Text("mode")), Id(permissions, "owner"), Id(permissions, "group"));
    }

    internal XElement ToElement() => new(
        "permissions",
        Mode is { } mode ? new XElement("mode", $"0{Convert.ToString(mode, 8).PadLeft(3, '0')}") : null,
        Owner is { } owner ? new XElement("owner", owner) : null,
        Group is { } group ? new XElement("group", group) : null);

    private static int? Octal(string? text)
    {
        if (text is null)
            return null;
        var mode = 0;
        foreach (var digit in text)
            mode = digit is >= '0' and <= '7' && mode <= ModeBits ? (mode * 8) + (digit - '0') : ModeBits + 1;
        return mode <= ModeBits ? mode : throw Malformed("malformed octal mode");
    }

    /// <summary>-1 is "whichever".</summary>
    private static uint? Id(XElement permissions, string which) => permissions.Text(which) switch
    {
        null or "-1" => null,
        var text when uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id) => id,
        _ => throw Malformed($"malformed {which} element"),
    };

    private static WherryException Malformed(string detail) => new(ErrorCode.XmlError, detail, ErrorDomain.Storage);
}

/// <summary>What the XML of pools and of volumes have in common.</summary>
internal static class StorageXml
{
    public static XElement Read(string xml, string rootName, string what)
    {
        XElement root;
        try
        {
            root = DomainDocument.ReadAny(xml, what);
        }
        catch (DomainXmlException e) when (e.Code == ErrorCode.XmlDetail)
        {
            throw new WherryException(e.Code, e.Detail!, ErrorDomain.Storage, e); // ! : this code has one
        }
        return root.Name == rootName
            ? root
            : throw new WherryException(ErrorCode.XmlError, $"expecting root element of '{rootName}', not '{root.Name.LocalName}'", ErrorDomain.Xml);
    }

    public static XElement Bytes(string name, ulong bytes) => new(name, new XAttribute("unit", "bytes"), bytes);

    /// <summary>Slashes that mean nothing are dropped: two in a row, one at the end.</summary>
    public static string SanitizedPath(string path)
    {
        var sanitized = new StringBuilder(path.Length);
        foreach (var character in path)
        {
            if (character != '/' || sanitized.Length == 0 || sanitized[^1] != '/')
                sanitized.Append(character);
        }
        return sanitized.Length > 1 && sanitized[^1] == '/' ? sanitized.ToString(0, sanitized.Length - 1) : sanitized.ToString();
    }

    public static string Write(XElement root) => DomainXmlWriter.Write(root);
}
