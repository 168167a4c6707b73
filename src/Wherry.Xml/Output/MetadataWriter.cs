using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Writes <c>&lt;metadata&gt;</c>, which belongs to the client. libvirt hands it to libxml2, whose habits differ from its own:
/// double quotes, namespace declarations before attributes, and re-indentation only where no text would be touched.
/// </summary>
internal static class MetadataWriter
{
    public static void Write(StringBuilder text, XElement metadata, int depth)
    {
        text.Append(' ', depth);
        WriteElement(text, metadata, depth, indent: true);
        text.Append('\n');
    }

    /// <summary>One element by itself, as DOMAIN_GET_METADATA returns it.</summary>
    public static string ToText(XElement element)
    {
        var text = new StringBuilder();
        WriteElement(text, element, depth: 0, indent: true);
        return text.ToString();
    }

    private static void WriteElement(StringBuilder text, XElement element, int depth, bool indent)
    {
        var name = QualifiedName(element, element.Name);
        text.Append('<').Append(name);
        foreach (var attribute in element.Attributes().OrderBy(attribute => attribute.IsNamespaceDeclaration ? 0 : 1))
            EscapeAttribute(text.Append(' ').Append(QualifiedName(element, attribute)).Append("=\""), attribute.Value).Append('"');

        var children = Significant(element);
        if (children.Count == 0)
        {
            text.Append("/>");
            return;
        }

        text.Append('>');
        indent &= !children.Exists(node => node is XText);
        foreach (var child in children)
        {
            if (indent)
                text.Append('\n').Append(' ', depth + 2);
            WriteNode(text, child, depth + 2, indent);
        }

        if (indent)
            text.Append('\n').Append(' ', depth);
        text.Append("</").Append(name).Append('>');
    }

    private static void WriteNode(StringBuilder text, XNode node, int depth, bool indent)
    {
        switch (node)
        {
            case XElement element:
                WriteElement(text, element, depth, indent);
                break;
            case XCData data:
                text.Append("<![CDATA[").Append(data.Value).Append("]]>");
                break;
            case XText content:
                EscapeText(text, content.Value);
                break;
            case XComment comment:
                text.Append("<!--").Append(comment.Value).Append("-->");
                break;
        }
    }

    // libxml2's areBlanks: white space between elements is layout, but white space alone in an element, or after text, is content.
    private static List<XNode> Significant(XElement element)
    {
        var nodes = element.Nodes().ToList();
        if (nodes is [XText] || (nodes.Count > 0 && nodes[0] is XText first && !IsBlank(first)))
            return nodes;
        return nodes.FindAll(node => node is not XText blank || node.NodeType == XmlNodeType.CDATA || !IsBlank(blank));
    }

    private static bool IsBlank(XText text) => text.Value.All(char.IsWhiteSpace);

    private static string QualifiedName(XElement scope, XName name) =>
        name.Namespace != XNamespace.None && scope.GetPrefixOfNamespace(name.Namespace) is { } prefix ? $"{prefix}:{name.LocalName}" : name.LocalName;

    private static string QualifiedName(XElement scope, XAttribute attribute)
    {
        if (!attribute.IsNamespaceDeclaration)
            return QualifiedName(scope, attribute.Name);
        return attribute.Name.Namespace == XNamespace.None ? "xmlns" : "xmlns:" + attribute.Name.LocalName;
    }

    private static StringBuilder EscapeText(StringBuilder text, string value)
    {
        foreach (var c in value)
        {
            _ = c switch
            {
                '<' => text.Append("&lt;"),
                '>' => text.Append("&gt;"),
                '&' => text.Append("&amp;"),
                '\r' => text.Append("&#13;"),
                _ => text.Append(c),
            };
        }

        return text;
    }

    private static StringBuilder EscapeAttribute(StringBuilder text, string value)
    {
        foreach (var c in value)
        {
            _ = c switch
            {
                '<' => text.Append("&lt;"),
                '>' => text.Append("&gt;"),
                '&' => text.Append("&amp;"),
                '"' => text.Append("&quot;"),
                '\n' => text.Append("&#10;"),
                '\r' => text.Append("&#13;"),
                '\t' => text.Append("&#9;"),
                _ => text.Append(c),
            };
        }

        return text;
    }
}
