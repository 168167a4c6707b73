using System.Text.RegularExpressions;

namespace Wherry.Tidy.Tests;

/// <summary>Rules about files as wholes: their size, their names, the log events they declare, and what they must not betray.</summary>
public sealed partial class HouseRulesTests
{
    private const int MaxLines = 800;

    // One thousand per room; docs: CONTRIBUTING.md.
    private static readonly (string Path, int Thousand)[] EventRanges =
    [
        ("src/Wherry.Rpc/", 1), ("src/Wherry.Qmp/", 2), ("src/Wherry.Qemu/Domains/", 3), ("src/Wherry.Qemu/Migration/", 4), ("src/Wherry.Qemu/Process/", 5),
    ];

    [Fact]
    public void No_file_is_longer_than_800_lines() =>
        Assert.Empty(SourceTree.CSharp.Where(file => file.Lines.Length > MaxLines).Select(file => $"{file.Path}: {file.Lines.Length}"));

    [Fact]
    public void No_folder_is_a_gravity_well() =>
        Assert.Empty(SourceTree.CSharp.Where(file => Regex.IsMatch(file.Path, "(^|/)(Utils?|Helpers?|Common|Shared|Core|Misc|Extensions)/")).Select(file => file.Path));

    [Fact]
    public void Every_log_event_has_an_id_of_its_own() =>
        Assert.Empty(Events().GroupBy(found => found.Id).Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(found => found.Path))}"));

    [Fact]
    public void Every_log_event_id_lies_in_the_range_of_its_room() =>
        Assert.Empty(
            from found in Events()
            from range in EventRanges
            where found.Path.StartsWith(range.Path, StringComparison.Ordinal) && found.Id / 1000 != range.Thousand
            select $"{found.Path}: {found.Id} should be {range.Thousand}xxx");

    [Fact]
    public void Nothing_names_the_machine_it_was_written_on() =>
        Assert.Empty(
            from file in SourceTree.Files
            where file.Project != "Wherry.Tidy.Tests" && !file.Path.EndsWith("packages.lock.json", StringComparison.Ordinal)
            from line in file.Lines.Select((text, index) => (Text: text, Number: index + 1))
            where MachinePath().IsMatch(line.Text)
            select $"{file.Path}:{line.Number}: {line.Text.Trim()}");

    [Fact]
    public void Readers_of_the_README_learn_the_two_commands()
    {
        var readme = SourceTree.Get("README.md").Text;
        Assert.Contains("./run demo", readme);
        Assert.Contains("./run test", readme);
    }

    [Fact]
    public void Links_between_documents_lead_somewhere() =>
        Assert.Empty(
            from file in SourceTree.Files
            where file.Path.EndsWith(".md", StringComparison.Ordinal)
            from Match link in MarkdownLink().Matches(file.Text)
            let target = link.Groups[1].Value
            where !target.Contains("://", StringComparison.Ordinal)
            let path = Path.GetFullPath(Path.Combine("/", Path.GetDirectoryName(file.Path)!, target))[1..]
            where !Directory.Exists(Path.Combine(Testbed.Repository.Root, path)) && !File.Exists(Path.Combine(Testbed.Repository.Root, path))
            select $"{file.Path}: {target}");

    private static IEnumerable<(string Path, int Id)> Events() =>
        from file in SourceTree.Product
        from Match match in LogEvent().Matches(file.Text)
        select (file.Path, int.Parse(match.Groups[1].Value));

    [GeneratedRegex(@"\[LoggerMessage\([^\]]*?(?:EventId\s*=\s*)?\b(\d{4})\b")]
    private static partial Regex LogEvent();

    [GeneratedRegex(@"(?<![\w.""])/(work|farm|home/\w+|root)/|/tmp/ref")]
    private static partial Regex MachinePath();

    [GeneratedRegex(@"\]\(([^)#\s]+)(?:#[^)]*)?\)")]
    private static partial Regex MarkdownLink();
}
