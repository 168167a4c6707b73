using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

// How much memory a guest has.
public sealed partial class DomainDocument
{
    /// <summary>With another size of what the balloon leaves to the guest.</summary>
    public DomainDocument WithCurrentMemory(ByteSize memory) => With(root => SetMemory(root, "currentMemory", memory));

    /// <summary>With another size that the guest boots with; what the balloon leaves is cut down to it.</summary>
    public DomainDocument WithMemory(ByteSize memory) => With(root =>
    {
        SetMemory(root, "memory", memory);
        if (root.Element("currentMemory") is { } current && MemoryReading.Size(current) is { } size && size.Bytes > memory.Bytes)
            SetMemory(root, "currentMemory", memory);
    });

    private static void SetMemory(XElement root, string name, ByteSize memory)
    {
        if (root.Element(name) is not { } element)
            root.Add(element = new XElement(name));
        element.SetAttributeValue("unit", "KiB");
        element.Value = memory.KiB.ToString(CultureInfo.InvariantCulture);
    }
}
