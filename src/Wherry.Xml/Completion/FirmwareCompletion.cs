using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>Completes and checks what <c>&lt;os&gt;</c> says of the firmware. The texts are libvirt's.</summary>
internal static class FirmwareCompletion
{
    /// <exception cref="DomainXmlException">What is said of the firmware does not fit together.</exception>
    public static void Complete(DomainTree tree, CompletionContext context)
    {
        var os = tree.Domain.Element("os")!; // ! : its type was looked at first
        if (os.Get("firmware") is { } unknown and not ("bios" or "efi"))
            throw DomainXmlException.Invalid($"unknown firmware value {unknown}", os);
        CompleteFeatures(os.Element("firmware"));
        var loader = os.Element("loader");
        var path = os.Text("loader");
        if (loader is { Value.Length: > 0 } && loader.Get("type") is null)
            loader.SetAttributeValue("type", "rom");
        CheckSecure(tree, os, loader);
        Check(os, loader, path, os.Element("nvram"));

        var flash = loader?.Get("type") == "pflash" ? loader : null;
        if ((flash is not null || os.Get("firmware") == "efi") && tree.Domain.Element("features")?.Element("acpi") is null)
            throw DomainXmlException.Unsupported("UEFI requires ACPI on this architecture", os);
        if (flash?.Get("readonly") == "yes" && flash.Get("stateless") != "yes" && string.IsNullOrEmpty(os.Element("nvram")?.Value))
        {
            var nvram = DomainTree.Child(os, "nvram");
            nvram.Value = context.NvramPath(tree.Domain.Text("name")!); // ! : checked before
        }
    }

    private static void CompleteFeatures(XElement? features)
    {
        if (features is null || Value("enrolled-keys") != "yes")
            return;
        if (Value("secure-boot") == "no")
        {
            throw DomainXmlException.Of(
                ErrorCode.XmlDetail, "firmware feature 'enrolled-keys' cannot be enabled when firmware feature 'secure-boot' is disabled", features);
        }

        if (Value("secure-boot") is null)
            features.Add(new XElement("feature", new XAttribute("enabled", "yes"), new XAttribute("name", "secure-boot")));

        string? Value(string name) => features.Elements("feature").FirstOrDefault(feature => feature.Get("name") == name)?.Get("enabled");
    }

    private static void Check(XElement os, XElement? loader, string? path, XElement? nvram)
    {
        if (os.Get("firmware") is { } firmware)
            CheckChosen(firmware, loader, path, nvram);
        else
            CheckNamed(os, loader, path, nvram);
        switch (loader?.Get("stateless"))
        {
            case "yes" when nvram?.Get("template") is not null:
                throw Refusal("NVRAM template is not permitted when loader is stateless", nvram);
            case "yes" when nvram is { Value.Length: > 0 }:
                throw Refusal("NVRAM is not permitted when loader is stateless", nvram);
            case "no" when os.Get("firmware") is null && loader.Get("type") != "pflash":
                throw Refusal("Only pflash loader type permits NVRAM", loader);
            case "no" when os.Get("firmware") is "bios":
                throw Refusal("Only EFI firmware permits NVRAM", loader);
        }
    }

    private static void CheckChosen(string firmware, XElement? loader, string? path, XElement? nvram)
    {
        const string chosen = "cannot be specified when firmware autoselection is enabled";
        foreach (var attribute in (string[])["readonly", "type"])
        {
            if (loader?.Get(attribute) is not null)
                throw Refusal($"loader attribute '{attribute}' {chosen}", loader);
        }

        if (path is not null)
            throw Refusal($"loader path {chosen}", loader);
        if (nvram?.Get("template") is not null)
            throw Refusal($"nvram attribute 'template' {chosen}", nvram);
        if (loader?.Get("secure") == "no")
            throw Refusal($"loader attribute 'secure' {chosen}", loader);
        if (nvram is { Value.Length: > 0 } && firmware != "efi")
            throw Refusal($"firmware type '{firmware}' does not support nvram", nvram);
    }

    private static void CheckNamed(XElement os, XElement? loader, string? path, XElement? nvram)
    {
        // A running guest whose firmware was chosen by its features shows, and is sent with, both: them and the file.
        if (path is null && os.Element("firmware") is { } features)
            throw Refusal("cannot use feature-based firmware autoselection when firmware autoselection is disabled", features);
        if (path is null && (loader is not null || nvram is not null))
            throw Refusal("no loader path specified and firmware auto selection disabled", loader ?? nvram);
    }

    private static void CheckSecure(DomainTree tree, XElement os, XElement? loader)
    {
        if (loader?.Get("secure") != "yes")
            return;
        if (!tree.Os.IsQ35)
            throw DomainXmlException.Unsupported("Secure boot is supported with q35 machine types only", loader);
        if (os.Get("firmware") is null && tree.Domain.Element("features")?.Element("smm")?.Get("state") != "on")
            throw DomainXmlException.Unsupported("Secure boot requires SMM feature enabled", loader);
    }

    private static DomainXmlException Refusal(string text, XElement? element) => DomainXmlException.Of(ErrorCode.XmlDetail, text, element);
}
