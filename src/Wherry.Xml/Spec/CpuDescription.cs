using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>What a description of a CPU is of.</summary>
public enum CpuDescriptionType
{
    /// <summary>A processor, as capabilities show it: it names its architecture, and its features have no policy.</summary>
    Host,

    /// <summary>A processor when it names its architecture, otherwise a guest's CPU.</summary>
    Any,
}

/// <summary>A CPU by itself, as capabilities and domain capabilities show it and as calls that compare CPUs take it.</summary>
/// <param name="Arch">Null where the description leaves it open.</param>
public sealed record CpuDescription(string? Arch, CpuSpec Cpu)
{
    private const int VendorIdLength = 12;

    private static readonly FrozenSet<string> Policies =
        ((string[])["force", "require", "optional", "disable", "forbid"]).ToFrozenSet(StringComparer.Ordinal);

    /// <exception cref="WherryException">As <see cref="Parse"/>; InvalidArg for none at all.</exception>
    public static ImmutableArray<CpuDescription> ParseAll(ImmutableArray<string> documents, CpuDescriptionType type) => documents.IsEmpty
        ? throw new WherryException(ErrorCode.InvalidArg, "no CPUs given", ErrorDomain.Cpu)
        : [.. documents.Select(xml => Parse(xml, type))];

    /// <param name="validate">Hold it to libvirt's schema first.</param>
    /// <exception cref="WherryException">
    /// XmlDetail, XmlError or ConfigUnsupported, of the CPU domain: it is no description of a CPU; XmlInvalidSchema.
    /// </exception>
    public static CpuDescription Parse(string xml, CpuDescriptionType type, bool validate = false)
    {
        try
        {
            var root = DomainDocument.ReadAny(xml, "CPU_definition");
            if (root.Name != "cpu")
                throw Invalid("XML does not contain expected 'cpu' element");
            if (validate)
                CpuSchema.Check(root);
            if (type == CpuDescriptionType.Any && root.Element("arch") is null)
                return new CpuDescription(null, Guest(root));
            if (type == CpuDescriptionType.Any && root.Get("match") is not null)
                throw Invalid("'arch' element cannot be used inside 'cpu' element with 'match' attribute'");
            return Host(root);
        }
        catch (DomainXmlException e)
        {
            throw new WherryException(e.Code, e.Detail ?? "", ErrorDomain.Cpu, e);
        }
    }

    /// <summary>The <c>&lt;cpu&gt;</c> of a domain with that CPU.</summary>
    public static string Write(CpuSpec cpu)
    {
        var element = new XElement("cpu");
        CpuElement.Write(element, cpu);
        return DomainXmlWriter.Write(element);
    }

    private static CpuDescription Host(XElement root)
    {
        if (root.Get("mode") is not null)
            throw Unsupported("Attribute mode is only allowed for guest CPU");
        CheckMigratable(root);
        var arch = root.Text("arch") ?? throw Invalid("Missing CPU architecture");
        if (!Architectures.Known.Contains(arch))
            throw Unsupported($"Unknown architecture {arch}");
        if (root.Text("model") is null)
            throw Invalid("Missing CPU model name");
        CheckTopology(root);
        CheckFeatures(root);
        // A processor has what it lists, whatever is said of a guest's.
        var bare = new XElement(root);
        bare.RemoveAttributes();
        foreach (var feature in bare.Elements("feature"))
            feature.SetAttributeValue("policy", null);
        return new CpuDescription(arch, MachineReading.Cpu(bare));
    }

    private static CpuSpec Guest(XElement root)
    {
        if (root.Get("mode") is { } mode && mode is not ("custom" or "host-model" or "host-passthrough" or "maximum"))
            throw Unsupported($"Invalid mode attribute '{mode}'");
        CheckMigratable(root);
        OneOf(root, "match", "minimum", "exact", "strict");
        OneOf(root, "check", "none", "partial", "full");
        if (root.Get("mode") is not ("host-passthrough" or "maximum"))
        {
            if (root.Get("model", "fallback") is not (null or "allow" or "forbid"))
                throw Unsupported("Invalid fallback attribute");
            if (root.Get("model", "vendor_id") is { Length: > 0 and not VendorIdLength })
                throw Invalid($"vendor_id must be exactly {VendorIdLength} characters long");
            if (root.Get("model", "vendor_id")?.Contains(',', StringComparison.Ordinal) == true)
                throw Invalid("vendor id is invalid");
        }

        if (root.Text("vendor") is not null && root.Text("model") is null)
            throw Invalid("CPU vendor specified without CPU model");
        CheckTopology(root);
        if (root.Element("feature") is not null && root.Text("model") is null && root.Get("mode") is null or "custom")
            throw Invalid("Non-empty feature list specified without CPU model");
        foreach (var feature in root.Elements("feature"))
        {
            if (feature.Get("policy") is { } policy && !Policies.Contains(policy))
                throw Unsupported("Invalid CPU feature policy");
        }

        CheckFeatures(root);
        return MachineReading.Cpu(root);
    }

    private static void CheckMigratable(XElement root)
    {
        OneOf(root, "migratable", "on", "off");
        if (root.Get("migratable") is not null && root.Get("mode") is not ("host-passthrough" or "maximum"))
            throw Unsupported("Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode");
    }

    private static void CheckTopology(XElement root)
    {
        if (root.Element("topology") is not { } topology)
            return;
        foreach (var name in (string[])["sockets", "dies", "cores", "threads"])
        {
            var value = topology.Get(name);
            if (value is null && name != "dies")
                throw OfXml($"Missing required attribute '{name}' in element 'topology'");
            if (value is not null && Values.Uint(value) is null)
                throw OfXml($"Invalid value for attribute '{name}' in element 'topology': '{value}'. Expected non-negative integer value");
            if (value is not null && Values.Positive(value) is null)
                throw OfXml($"Invalid value for attribute '{name}' in element 'topology': Zero is not permitted");
        }
    }

    private static void CheckFeatures(XElement root)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var feature in root.Elements("feature"))
        {
            if (feature.Get("name") is not { Length: > 0 } name)
                throw Invalid("Invalid CPU feature name");
            if (!names.Add(name))
                throw Invalid($"CPU feature '{name}' specified more than once");
        }
    }

    private static void OneOf(XElement root, string attribute, params string[] values)
    {
        if (root.Get(attribute) is { } value && !values.Contains(value))
            throw OfXml($"Invalid value for attribute '{attribute}' in element 'cpu': '{value}'.");
    }

    private static WherryException Invalid(string detail) => new(ErrorCode.XmlError, detail, ErrorDomain.Cpu);

    private static WherryException Unsupported(string detail) => new(ErrorCode.ConfigUnsupported, detail, ErrorDomain.Cpu);

    /// <summary>libvirt's reader of attributes says these, not its reader of CPUs.</summary>
    private static WherryException OfXml(string detail) => new(ErrorCode.XmlError, detail, ErrorDomain.Xml);
}
