using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Wherry.Qemu.Migration.Cookie;

/// <summary>
/// The opaque baton that the five phases hand to each other.
/// </summary>
/// <remarks>
/// <code>
///   Begin ──cookie──► Prepare ──cookie──► Perform ──cookie──► Finish ──cookie──► Confirm
///   source            destination         source              destination        source
///
///   &lt;qemu-migration&gt;
///     &lt;name&gt; &lt;uuid&gt; &lt;hostname&gt; &lt;hostuuid&gt;       always; hostname and hostuuid are the sender's
///     &lt;feature name='lockstate'/&gt;                   what the receiver must understand, or refuse
///     &lt;nbd port=''&gt;&lt;disk target='' capacity=''/&gt;  disk copy
///     &lt;domain&gt;                                      the definition to persist
///     &lt;statistics&gt;                                  the job's figures
///     &lt;capabilities&gt;&lt;cap name='' auto=''/&gt;       migration capabilities of the sender's QEMU
///     &lt;wherry version='1' handover='' peer='' boot=''/&gt;   our extension; stock peers ignore unknown elements
///   &lt;/qemu-migration&gt;
/// </code>
/// On the wire a cookie is UTF-8 text whose length includes a trailing NUL. Source: migration.md A4, A6; qemu_migration_cookie.c.
/// </remarks>
public sealed record MigrationCookie
{
    /// <summary>Longest cookie either side accepts, in bytes with the NUL. Source: REMOTE_MIGRATE_COOKIE_MAX.</summary>
    public const int MaxBytes = 4 * 1024 * 1024;

    /// <summary>The source's name of the domain, even after a rename.</summary>
    public required string Name { get; init; }

    public required Guid Uuid { get; init; }

    /// <summary>Hostname of the sender.</summary>
    public required string HostName { get; init; }

    /// <summary>Host UUID of the sender; a receiver with the same one is the same host and refuses.</summary>
    public required Guid HostUuid { get; init; }

    /// <summary>Features the receiver has to know.</summary>
    public ImmutableArray<string> MandatoryFeatures { get; init; } = [];

    public NbdSection? Nbd { get; init; }

    /// <summary>The definition to persist, as XML text of one <c>domain</c> element.</summary>
    public string? PersistentXml { get; init; }

    public CookieStatistics? Statistics { get; init; }

    /// <summary>Migration capabilities of the sender's QEMU; null when the section is absent (an old peer).</summary>
    public ImmutableArray<CookieCapability>? Capabilities { get; init; }

    /// <summary>
    /// The expanded CPU of the running guest, as XML text of one <c>cpu</c> element; absent where it is the one of the domain XML sent along.
    /// </summary>
    public string? CpuXml { get; init; }

    /// <summary>Our extension; null when the sender is a stock daemon.</summary>
    public HandoverSection? Handover { get; init; }

    /// <summary>Encodes for the wire, trailing NUL included.</summary>
    public byte[] ToBytes()
    {
        var text = ToElement().ToString();
        var bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    /// <summary>Decodes what a peer sent and checks that it is about this domain and not from this host.</summary>
    /// <param name="bytes">The cookie as received; empty is legal and yields null.</param>
    /// <param name="expected">Who this migration is about, as this side knows it.</param>
    /// <exception cref="WherryException">InternalError or OperationInvalid with what is wrong, as libvirt codes it.</exception>
    public static MigrationCookie? Parse(ReadOnlySpan<byte> bytes, CookieExpectation expected)
    {
        if (bytes.IsEmpty)
            return null;

        if (bytes.Length > MaxBytes)
            throw Bad($"migration cookie of {bytes.Length} bytes exceeds the limit of {MaxBytes}");

        if (bytes[^1] != 0)
            throw Bad("Migration cookie was not NULL terminated");

        var root = ParseXml(bytes[..^1]);
        if (root.Name != "qemu-migration")
            throw Bad($"migration cookie has root element '{root.Name.LocalName}' instead of 'qemu-migration'");

        var cookie = FromElement(root);
        expected.Check(cookie);
        return cookie;
    }

    private static XElement ParseXml(ReadOnlySpan<byte> utf8)
    {
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = MaxBytes,
        };
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(utf8.ToArray()), settings);
            return XElement.Load(reader);
        }
        catch (XmlException e)
        {
            throw new WherryException(ErrorCode.InternalError, "migration cookie is not well-formed XML", inner: e);
        }
    }

    private static MigrationCookie FromElement(XElement root) => new()
    {
        Name = Text(root, "name"),
        Uuid = ReadUuid(root, "uuid"),
        HostName = Text(root, "hostname"),
        HostUuid = ReadUuid(root, "hostuuid"),
        MandatoryFeatures = [.. root.Elements("feature").Select(f => (string?)f.Attribute("name") ?? throw Bad("Missing feature name"))],
        Nbd = root.Element("nbd") is { } nbd ? NbdSection.FromElement(nbd) : null,
        PersistentXml = root.Element("domain")?.ToString(),
        Statistics = root.Element("statistics") is { } statistics ? CookieStatistics.FromElement(statistics) : null,
        Capabilities = root.Element("capabilities") is { } capabilities
            ? [.. capabilities.Elements("cap").Select(CookieCapability.FromElement)]
            : null,
        CpuXml = root.Element("cpu")?.ToString(),
        Handover = root.Element("wherry") is { } wherry ? HandoverSection.FromElement(wherry) : null,
    };

    private XElement ToElement()
    {
        var root = new XElement(
            "qemu-migration",
            new XElement("name", Name),
            new XElement("uuid", Uuid.ToString("D")),
            new XElement("hostname", HostName),
            new XElement("hostuuid", HostUuid.ToString("D")));
        root.Add(MandatoryFeatures.Select(name => new XElement("feature", new XAttribute("name", name))));
        if (PersistentXml is not null)
            root.Add(XElement.Parse(PersistentXml));

        root.Add(Nbd?.ToElement(), Statistics?.ToElement());
        if (CpuXml is not null)
            root.Add(XElement.Parse(CpuXml));

        if (Capabilities is { } capabilities)
            root.Add(new XElement("capabilities", capabilities.Select(c => c.ToElement())));

        root.Add(Handover?.ToElement());
        return root;
    }

    internal static WherryException Bad(string message) => new(ErrorCode.InternalError, message);

    internal static ulong ReadNumber(string text, string what) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Bad($"migration cookie: {what} '{text}' is not a number");

    private static string Text(XElement root, string name) =>
        root.Element(name)?.Value is { Length: > 0 } value ? value : throw Bad($"missing {name} element in migration data");

    private static Guid ReadUuid(XElement root, string name) =>
        Guid.TryParseExact(Text(root, name), "D", out var uuid) ? uuid : throw Bad($"malformed {name} element in migration data");
}

/// <summary>What the receiver of a cookie already knows.</summary>
/// <param name="Name">The source's name of the domain; null where the receiver learns it from the cookie.</param>
/// <param name="Uuid">The domain's UUID.</param>
/// <param name="OwnHostUuid">UUID of the receiving host.</param>
/// <param name="KnownFeatures">Mandatory features that this phase understands.</param>
public sealed record CookieExpectation(string? Name, Guid Uuid, Guid OwnHostUuid, ImmutableArray<string> KnownFeatures)
{
    internal void Check(MigrationCookie cookie)
    {
        if (Name is not null && cookie.Name != Name)
            throw MigrationCookie.Bad($"Incoming cookie data had unexpected name {cookie.Name} vs {Name}");

        if (cookie.Uuid != Uuid)
            throw MigrationCookie.Bad($"Incoming cookie data had unexpected UUID {cookie.Uuid} vs {Uuid}");

        if (cookie.HostUuid == OwnHostUuid)
            throw MigrationCookie.Bad($"Attempt to migrate guest to the same host {cookie.HostUuid}");

        foreach (var feature in cookie.MandatoryFeatures)
        {
            if (!KnownFeatures.Contains(feature, StringComparer.Ordinal))
                throw MigrationCookie.Bad($"Unsupported migration cookie feature {feature}");
        }
    }
}
