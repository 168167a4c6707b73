using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>The files that a start has found for a guest whose definition only says what its firmware shall be.</summary>
/// <param name="Loader">The code.</param>
/// <param name="IsFlash">UEFI in flash; else a BIOS.</param>
/// <param name="NvramTemplate">What the variables are at first; null for firmware without variables.</param>
/// <param name="NvramPath">The guest's own variables; null for firmware without.</param>
/// <param name="RequiresSmm">Its variables are kept from the guest by system management mode.</param>
public sealed record ChosenFirmware(string Loader, bool IsFlash, string? NvramTemplate, string? NvramPath, bool RequiresSmm)
{
    /// <summary>As if the definition had named them.</summary>
    internal void Write(XElement domain)
    {
        var os = domain.Element("os")!;
        os.SetAttributeValue("firmware", null);
        var loader = DomainTree.Child(os, "loader");
        loader.Value = Loader;
        loader.SetAttributeValue("type", IsFlash ? "pflash" : "rom");
        if (IsFlash)
            loader.SetAttributeValue("readonly", "yes");
        if (NvramPath is not null)
        {
            var nvram = DomainTree.Child(os, "nvram");
            nvram.Value = NvramPath;
            nvram.SetAttributeValue("template", NvramTemplate);
        }

        if (!RequiresSmm)
            return;
        loader.SetAttributeValue("secure", "yes");
        DomainTree.Child(DomainTree.Child(domain, "features"), "smm").SetAttributeValue("state", "on");
    }
}
