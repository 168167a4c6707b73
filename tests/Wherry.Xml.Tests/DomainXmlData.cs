using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Wherry.Xml.Tests;

/// <summary>The domain definitions under tests/data/domainxml, and the QEMU 7.2 that stock libvirt completed them for.</summary>
public static partial class DomainXmlData
{
    /// <summary>Top of the source tree.</summary>
    public static string Root { get; } = FindRoot();

    private static readonly string Directory = Path.Combine(Root, "tests/data/domainxml");

    public static IEnumerable<string> Names { get; } = System.IO.Directory.GetFiles(Directory, "*.xml")
        .Select(file => Path.GetFileNameWithoutExtension(file)!)
        .Where(name => !name.Contains('.', StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    public static CompletionContext Context { get; } = new()
    {
        FindCatalog = (emulator, arch) => arch == "x86_64" && emulator is null or "/usr/bin/qemu-system-x86_64" ? Catalog : null,
    };

    private static QemuCatalog Catalog { get; } = new()
    {
        Emulator = "/usr/bin/qemu-system-x86_64",
        DefaultMachine = "pc-i440fx-7.2",
        MachineAliases = ImmutableDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("pc", "pc-i440fx-7.2"), new("q35", "pc-q35-7.2")]),
        DefaultCpus = ((string[])["pc-i440fx-7.2", "pc-i440fx-6.2", "pc-q35-7.2", "pc-q35-5.2"]).ToImmutableDictionary(
            machine => machine, _ => "qemu64", StringComparer.Ordinal),
        MaxCpus = ImmutableDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("pc-i440fx-7.2", 255), new("pc-q35-7.2", 288)]),
    };

    public static string Input(string name) => File.ReadAllText(Path.Combine(Directory, name + ".xml"));

    /// <summary>What stock libvirt wrote: "define" for the definition, "live" for the running domain, "migratable" for the form it sends.</summary>
    public static string Stock(string name, string kind) => File.ReadAllText(Path.Combine(Directory, $"{name}.{kind}.xml"));

    public static bool HasStock(string name, string kind) => File.Exists(Path.Combine(Directory, $"{name}.{kind}.xml"));

    public static void Record(string name, string kind, string xml) => File.WriteAllText(Path.Combine(Directory, $"{name}.{kind}.xml"), xml);

    /// <summary>Replaces what each definition gets at random: a UUID and MAC addresses that the input does not have.</summary>
    public static string WithoutGenerated(string xml, string name)
    {
        var input = Input(name);
        if (!input.Contains("<uuid>", StringComparison.Ordinal))
            xml = Uuid().Replace(xml, "<uuid>GENERATED</uuid>");
        return Mac().Replace(xml, match =>
            input.Contains(match.Groups[1].Value, StringComparison.OrdinalIgnoreCase) ? match.Value : "<mac address='GENERATED'");
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Wherry.slnx")))
            directory = directory.Parent;
        return directory.FullName;
    }

    [GeneratedRegex("<uuid>[0-9a-f-]{36}</uuid>")]
    private static partial Regex Uuid();

    [GeneratedRegex("<mac address='([0-9a-f:]{17})'")]
    private static partial Regex Mac();
}
