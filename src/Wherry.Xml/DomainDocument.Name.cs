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

    /// <summary>The same machine with its UEFI variables elsewhere.</summary>
    /// <param name="path">Null: where the host keeps those of a guest of this name.</param>
    public DomainDocument WithNvram(string? path)
    {
        var root = new XElement(Root);
        var os = root.Element("os")!; // ! : completed
        if (path is not null)
            DomainTree.Child(os, "nvram").Value = path;
        else
            os.Elements("nvram").Remove();
        return new DomainDocument(Normalisation.Normalise(root, DomainShape.Domain));
    }
}
