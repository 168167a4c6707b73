using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Errors;
using Wherry.Qemu.Firmware;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Firmware;

/// <summary>Which of a host's firmwares a definition means; that stock chooses the same is shown by the acting list "firmware".</summary>
public sealed class FirmwareCatalogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-firmware-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_first_by_name_is_tried_first_and_a_later_directory_counts_more()
    {
        Write("usr", "50-b.json", Flash("/b"));
        Write("usr", "40-a.json", Flash("/usr/a"));
        Write("etc", "40-a.json", Flash("/etc/a"));
        Assert.Equal(["/etc/a", "/b"], Read().Select(firmware => firmware.LoaderPath));
    }

    [Fact]
    public void An_empty_file_hides_the_one_of_its_name()
    {
        Write("usr", "40-a.json", Flash("/a"));
        Write("usr", "50-b.json", Flash("/b"));
        Write("etc", "40-a.json", "");
        Assert.Equal(["/b"], Read().Select(firmware => firmware.LoaderPath));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{ \"interface-types\": \"uefi\" }")]
    [InlineData("{ \"interface-types\": [\"uefi\"], \"mapping\": { \"device\": \"tape\" }, \"targets\": [], \"features\": [] }")]
    [InlineData("{ \"interface-types\": [\"uefi\"], \"mapping\": { \"device\": \"flash\", \"executable\": { \"filename\": \"/a\", \"format\": \"raw\" } }, \"targets\": [], \"features\": [] }")]
    public void A_description_that_is_none_leaves_the_others_alone(string broken)
    {
        Write("usr", "40-a.json", broken);
        Write("usr", "50-b.json", Flash("/b"));
        Assert.Equal(["/b"], Read().Select(firmware => firmware.LoaderPath));
    }

    [Theory]
    [InlineData("pc-q35-7.2", "efi", "", "/plain")]
    [InlineData("pc-q35-7.2", "efi", "<firmware><feature name='secure-boot' enabled='yes'/></firmware>", "/secure")]
    [InlineData("pc-q35-7.2", "efi", "<loader secure='yes'/>", "/secure")]
    [InlineData("pc-q35-7.2", "efi", "<loader stateless='yes'/>", "/stateless")]
    [InlineData("pc-q35-7.2", "bios", "", "/bios")]
    [InlineData("pc-i440fx-7.2", "efi", "<loader stateless='yes'/>", null)]
    [InlineData("pc-i440fx-7.2", "efi", "<firmware><feature name='secure-boot' enabled='yes'/></firmware>", null)]
    public void A_definition_that_says_what_it_shall_be_gets_the_first_that_is(string machine, string firmware, string more, string? expected)
    {
        Write("usr", "10-stateless.json", Flash("/stateless", "pc-q35-*", mode: "stateless"));
        Write("usr", "20-combined.json", Flash("/combined", "pc-q35-*", mode: "combined"));
        Write("usr", "30-plain.json", Flash("/plain", "pc-*"));
        Write("usr", "40-secure.json", Flash("/secure", "pc-q35-*", features: "\"secure-boot\", \"requires-smm\""));
        Write("usr", "50-bios.json", """
            { "interface-types": ["bios"], "mapping": { "device": "memory", "filename": "/bios" },
              "targets": [{ "architecture": "x86_64", "machines": ["pc-*"] }], "features": [] }
            """);
        var spec = DomainSpec.From(DomainDocument.Parse(
            $"<domain type='qemu'><name>g</name><os firmware='{firmware}'><type arch='x86_64' machine='{machine}'>hvm</type>{more}</os></domain>"));

        if (expected is null)
        {
            var refused = Assert.Throws<WherryException>(() => FirmwareChoice.Find(spec, Read, "/nvram", _ => false));
            Assert.Equal((ErrorCode.OperationFailed, "operation failed: Unable to find any firmware to satisfy 'efi'"), (refused.Code, refused.Message));
            return;
        }

        var chosen = FirmwareChoice.Find(spec, Read, "/nvram", _ => false)!;
        Assert.Equal(expected, chosen.Loader);
        Assert.Equal(expected is "/plain" or "/secure" ? ("/template", "/nvram") : (null, null), (chosen.NvramTemplate, chosen.NvramPath));
        Assert.Equal(expected == "/secure", chosen.RequiresSmm);
    }

    private System.Collections.Immutable.ImmutableArray<FirmwareDescriptor> Read() =>
        new FirmwareCatalog([Path.Combine(_directory, "usr"), Path.Combine(_directory, "etc"), Path.Combine(_directory, "none")], NullLogger.Instance).Read();

    private void Write(string directory, string name, string content) =>
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_directory, directory)).FullName, name), content);

    private static string Flash(string path, string machines = "*", string? mode = null, string features = "") => $$"""
        { "interface-types": ["uefi"],
          "mapping": { "device": "flash", {{(mode is null ? "" : $"\"mode\": \"{mode}\",")}}
            "executable": { "filename": "{{path}}", "format": "raw" }, "nvram-template": { "filename": "/template", "format": "raw" } },
          "targets": [{ "architecture": "x86_64", "machines": ["{{machines}}"] }], "features": [{{features}}] }
        """;
}
