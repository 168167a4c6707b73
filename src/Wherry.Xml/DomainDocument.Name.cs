using System.Xml.Linq;

namespace Wherry.Xml;

public sealed partial class DomainDocument
{
    /// <summary>The same machine under another name.</summary>
    public DomainDocument WithName(string name)
    {
        var root = new XElement(Root);
        root.SetElementValue("name", name);
        return new DomainDocument(root);
    }
}
