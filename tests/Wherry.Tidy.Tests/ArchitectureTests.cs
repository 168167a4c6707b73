using System.Text.RegularExpressions;

namespace Wherry.Tidy.Tests;

/// <summary>
/// The invariants of ARCHITECTURE.md. References point from right to left only:
/// <code>
///   Errors ◄─ Wire ◄─ Rpc ◄──┐
///        ◄─ Qmp ◄─┐          ├─ Daemon
///        ◄─ Xml ◄─┴─ Qemu ◄──┘
/// </code>
/// </summary>
public sealed class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> MayReference = new()
    {
        ["Wherry.Errors"] = [],
        ["Wherry.Wire.Generator"] = [],
        ["Wherry.Wire"] = ["Wherry.Errors", "Wherry.Wire.Generator"],
        ["Wherry.Xml"] = ["Wherry.Errors"],
        ["Wherry.Qmp"] = ["Wherry.Errors"],
        ["Wherry.Rpc"] = ["Wherry.Errors", "Wherry.Wire", "Wherry.Wire.Generator"],
        ["Wherry.Qemu"] = ["Wherry.Errors", "Wherry.Qmp", "Wherry.Xml"],
        ["Wherry.Daemon"] = ["Wherry.Errors", "Wherry.Qmp", "Wherry.Qemu", "Wherry.Rpc", "Wherry.Wire", "Wherry.Wire.Generator", "Wherry.Xml"],
    };

    [Fact]
    public void Projects_reference_only_what_the_architecture_allows()
    {
        var wrong = SourceTree.Files
            .Where(file => file.Path.StartsWith("src/", StringComparison.Ordinal) && file.Path.EndsWith(".csproj", StringComparison.Ordinal))
            .SelectMany(WrongReferences);
        Assert.Empty(wrong);
    }

    [Fact]
    public void A_reference_against_the_direction_is_found() =>
        Assert.Equal(
            ["Wherry.Qemu must not reference Wherry.Rpc"],
            WrongReferences(new SourceFile("src/Wherry.Qemu/Wherry.Qemu.csproj", """<ProjectReference Include="../Wherry.Rpc/Wherry.Rpc.csproj" />""")));

    private static IEnumerable<string> WrongReferences(SourceFile project) =>
        Regex.Matches(project.Text, @"<ProjectReference Include=""[^""]*/(Wherry\.[\w.]+)\.csproj""")
            .Select(match => match.Groups[1].Value)
            .Where(reference => !MayReference[project.Project].Contains(reference))
            .Select(reference => $"{project.Project} must not reference {reference}");
}
