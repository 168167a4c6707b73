using System.Xml.Linq;
using static Wherry.Xml.DomainShape;
using static Wherry.Xml.Values;

namespace Wherry.Xml;

/// <summary>What of <c>&lt;os&gt;</c> says with which firmware a guest starts: named by its file, or chosen at the start by what it shall do.</summary>
internal static class FirmwareShape
{
    /// <summary>In libvirt's order.</summary>
    private static readonly string[] FeatureNames = ["enrolled-keys", "secure-boot"];

    public static readonly ElementShape Features = new("firmware") { Custom = ReadFeatures };

    /// <summary>The format is libvirt 10's word; what is not raw would be misread as such.</summary>
    public static readonly ElementShape Loader = Text("loader", Any).With(
        A("readonly", YesNo), A("secure", YesNo), A("type", OneOf("rom", "pflash")), A("stateless", YesNo), A("format", OneOfOr("raw")).ButNot("qcow2")) with
    { DropWhenEmpty = true };

    public static readonly ElementShape Nvram = Text("nvram", Any).With(
        "template", RefusedAttribute("type"), A("format", OneOfOr("raw")).ButNot("qcow2"), A("templateFormat", OneOfOr("raw")).ButNot("qcow2")) with
    { DropWhenEmpty = true };

    private static XElement? ReadFeatures(XElement firmware)
    {
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var feature in firmware.Elements("feature"))
        {
            var name = Attribute(feature, "name", OneOf(FeatureNames));
            given[name] = Attribute(feature, "enabled", YesNo); // the last one counts
        }

        return given.Count == 0 ? null : new XElement("firmware", FeatureNames.Where(given.ContainsKey).Select(
            name => new XElement("feature", new XAttribute("enabled", given[name]), new XAttribute("name", name))));
    }

    private static string Attribute(XElement feature, string name, ValueRule rule)
    {
        var text = feature.Required(name);
        return rule(text) ?? throw XElementReading.InvalidValue(feature, name, text);
    }
}
