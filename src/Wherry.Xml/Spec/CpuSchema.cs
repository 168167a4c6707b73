using System.Collections.Immutable;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>
/// The form that libvirt's schema gives a CPU by itself, for clients that ask to have theirs held to it: a guest's, or a processor's with its
/// architecture. What is in <c>&lt;numa&gt;</c> is not looked at.
/// </summary>
internal static class CpuSchema
{
    private const string Number = "[0-9]+", Positive = "0*[1-9][0-9]*", Any = "(?s).*";

    private static readonly Part Topology = new("topology", new("sockets", Positive), new("dies?", Positive), new("cores", Positive), new("threads", Positive));
    private static readonly Part Address = new("maxphysaddr", new("mode", "emulate|passthrough"), new("bits?", Number));

    private static readonly ImmutableArray<Part> OfGuest =
    [
        new("model", new("fallback?", "allow|forbid"), new("vendor_id?", "[^,]{12}")),
        new("vendor"),
        Topology,
        new("feature*", new("policy", "force|require|optional|disable|forbid"), new("name", @"[a-zA-Z0-9\-_\.]+")),
        new("numa") { IsOpen = true },
        new("cache", new("level?", "[123]"), new("mode", "emulate|passthrough|disable")),
        Address,
    ];

    private static readonly ImmutableArray<Part> OfHost =
    [
        new("arch"),
        new("features") { IsOpen = true },
        new("model"),
        new("vendor"),
        new("microcode", new Field("version", Positive)),
        new("signature", new("family", Positive), new("model", Number), new("stepping", Number)),
        new("counter", new("name", Any), new("frequency", Positive), new("scaling", "yes|no")),
        Topology,
        Address,
        new("feature*", new Field("name", @"[a-zA-Z0-9\-_]+")),
        new("pages*", new("unit?", Any), new("size", Number)),
    ];

    private static readonly Field[] Attributes =
        [new("mode?", "custom|host-model|host-passthrough|maximum"), new("match?", "minimum|exact|strict"), new("check?", "none|partial|full"), new("migratable?", "on|off")];

    /// <exception cref="WherryException">XmlInvalidSchema, naming the first part that has another form.</exception>
    public static void Check(XElement cpu)
    {
        var isHost = cpu.Element("arch") is not null;
        Check(cpu, isHost ? [] : Attributes);
        var parts = isHost ? OfHost : OfGuest;
        foreach (var child in cpu.Elements())
        {
            if (parts.FirstOrDefault(part => part.Plain == child.Name.LocalName) is not { } part || child.Name.Namespace != XNamespace.None)
                throw Invalid($"Did not expect element {child.Name.LocalName} there");
            if (!part.Repeats && cpu.Elements(part.Plain).Skip(1).Any())
                throw Invalid($"Extra element {part.Plain} in interleave");
            if (!part.IsOpen)
                Check(child, part.Fields);
        }
    }

    private static void Check(XElement element, IReadOnlyList<Field> fields)
    {
        foreach (var attribute in element.Attributes().Where(attribute => !attribute.IsNamespaceDeclaration))
        {
            if (fields.FirstOrDefault(field => field.Plain == attribute.Name.LocalName) is not { } field)
                throw Invalid($"Invalid attribute {attribute.Name.LocalName} for element {element.Name.LocalName}");
            if (!Regex.IsMatch(attribute.Value, $"^(?:{field.Pattern})$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)))
                throw Invalid($"Element {element.Name.LocalName} failed to validate attributes");
        }

        if (fields.FirstOrDefault(field => !field.IsOptional && element.Attribute(field.Plain) is null) is not null)
            throw Invalid($"Element {element.Name.LocalName} failed to validate attributes");
    }

    private static WherryException Invalid(string detail) => new(ErrorCode.XmlInvalidSchema, $"Unable to validate doc against libvirt's cpu.rng\n{detail}", ErrorDomain.Xml);

    /// <param name="Name">A star after it: any number; otherwise at most one.</param>
    private sealed record Part(string Name, params Field[] Fields)
    {
        public bool IsOpen { get; init; }

        public bool Repeats => Name.EndsWith('*');

        public string Plain => Name.TrimEnd('*');
    }

    /// <param name="Name">A question mark after it: it may be missing.</param>
    private sealed record Field(string Name, string Pattern)
    {
        public bool IsOptional => Name.EndsWith('?');

        public string Plain => Name.TrimEnd('?');
    }
}
