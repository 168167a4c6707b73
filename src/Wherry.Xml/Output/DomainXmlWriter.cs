using System.Text;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Writes a normalised domain as libvirt prints it: two spaces per level, single quotes, one element per line, empty elements
/// closed at once. Clients compare such text, and Nova and virt-manager parse it with expressions, so every byte counts.
/// </summary>
internal static class DomainXmlWriter
{
    public static string Write(XElement root, int depth = 0)
    {
        var text = new StringBuilder(4096);
        Write(text, root, depth);
        return text.ToString();
    }

    private static void Write(StringBuilder text, XElement element, int depth)
    {
        if (element.Name == "metadata")
        {
            MetadataWriter.Write(text, element, depth);
            return;
        }

        text.Append(' ', depth).Append('<').Append(element.Name.LocalName);
        foreach (var attribute in element.Attributes())
            Escape(text.Append(' ').Append(attribute.Name.LocalName).Append("='"), attribute.Value).Append('\'');
        // A display whose only <listen> is left out of the migratable form still gets two lines.
        if (element.HasElements || element.Name == "graphics")
        {
            text.Append(">\n");
            foreach (var child in element.Elements())
                Write(text, child, depth + 2);
            text.Append(' ', depth).Append("</").Append(element.Name.LocalName).Append(">\n");
        }
        else if (element.Value.Length > 0 || element.Name == "entry") // a string of firmware tables may be empty
            Escape(text.Append('>'), element.Value).Append("</").Append(element.Name.LocalName).Append(">\n");
        else
            text.Append("/>\n");
    }

    private static StringBuilder Escape(StringBuilder text, string value)
    {
        foreach (var c in value)
        {
            _ = c switch
            {
                '<' => text.Append("&lt;"),
                '>' => text.Append("&gt;"),
                '&' => text.Append("&amp;"),
                '"' => text.Append("&quot;"),
                '\'' => text.Append("&apos;"),
                _ => text.Append(c),
            };
        }

        return text;
    }
}
