using System.Globalization;
using System.Numerics;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Completes video cards. All sizes are in KiB and powers of two.</summary>
internal static class VideoCompletion
{
    private const uint VgaVram = 16 * 1024;

    /// <summary>QEMU's least for qxl.</summary>
    private const uint QxlRam = 64 * 1024;
    private const uint QxlVgaMem = 16 * 1024;

    public static void Complete(DomainTree tree)
    {
        var first = true;
        foreach (var video in tree.Of("video"))
        {
            Complete(DomainTree.Child(video, "model"), tree, first);
            first = false;
        }

        if (tree.Of("video").Any(video => video.Get("model", "type") == "none") && tree.Of("video").Skip(1).Any())
            throw DomainXmlException.Unsupported("a 'none' video type must be the only video device defined for the domain");
    }

    private static void Complete(XElement model, DomainTree tree, bool first)
    {
        var type = model.Get("type") ?? (tree.Catalog.Has("cirrus-vga") ? "cirrus" : "vga");
        if (type == "none")
        {
            model.ReplaceAll(new XAttribute("type", "none"));
            return;
        }

        model.SetAttributeValue("type", type);
        if (type == "qxl")
        {
            Set("ram", model.Number("ram") ?? QxlRam);
            Set("vram", model.Number("vram") ?? QxlRam);
            model.SetAttributeValue("vgamem", model.Get("vgamem") ?? Text(QxlVgaMem));
        }
        else if ((model.Number("vram") ?? (type is "vga" or "cirrus" or "bochs" ? VgaVram : 0U)) is var vram && vram > 0)
            Set("vram", vram);

        model.SetAttributeValue("heads", model.Get("heads") ?? "1");
        model.SetAttributeValue("primary", first ? "yes" : null);

        void Set(string name, uint kib) => model.SetAttributeValue(name, Text(BitOperations.RoundUpToPowerOf2(kib)));
    }

    private static string Text(uint kib) => kib.ToString(CultureInfo.InvariantCulture);
}
