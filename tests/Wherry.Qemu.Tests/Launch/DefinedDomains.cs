using System.Collections.Immutable;
using Wherry.Testbed;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>The definitions in <c>tests/data/domainxml</c>, as users would write them, completed for QEMU 7.2.</summary>
internal static class DefinedDomains
{
    private static readonly string DataDirectory = Path.Join(Repository.Root, "tests/data/domainxml");

    private static readonly QemuCatalog Catalog = new()
    {
        Emulator = "/usr/bin/qemu-system-x86_64",
        DefaultMachine = "pc-i440fx-7.2",
        MachineAliases = ImmutableDictionary<string, string>.Empty.Add("pc", "pc-i440fx-7.2").Add("q35", "pc-q35-7.2"),
        DefaultCpus = ((string[])["pc-i440fx-7.2", "pc-i440fx-6.2", "pc-q35-7.2", "pc-q35-5.2"]).ToImmutableDictionary(machine => machine, _ => "qemu64"),
        MaxCpus = ImmutableDictionary<string, int>.Empty.Add("pc-i440fx-7.2", 255).Add("pc-q35-7.2", 288),
    };

    public static IEnumerable<string> Names { get; } = Directory.EnumerateFiles(DataDirectory, "*.xml")
        .Select(file => Path.GetFileNameWithoutExtension(file))
        .Where(name => !name.Contains('.', StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    public static DomainDocument Complete(string name) =>
        DomainDocument.Parse(File.ReadAllText(Path.Join(DataDirectory, $"{name}.xml")))
            .Complete(new CompletionContext { FindCatalog = (_, _) => Catalog });
}
