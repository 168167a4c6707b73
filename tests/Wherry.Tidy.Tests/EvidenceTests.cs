using System.Text;
using System.Text.RegularExpressions;
using Wherry.Testbed;

namespace Wherry.Tidy.Tests;

/// <summary>Documents that claim a test must name one that exists, and docs/requirements.md must list every one that claims a requirement.</summary>
public sealed partial class EvidenceTests
{
    private const string Table = "docs/requirements.md";
    private const string Start = "<!-- the table: written by the tidy tests -->\n";

    [Fact]
    public void Each_promise_of_the_specification_names_tests_that_exist_or_says_pending()
    {
        var names = Tests().Select(test => test.Name).ToHashSet();
        var rows = PromiseRow().Matches(SourceTree.Get("SPECIFICATION.md").Text);
        Assert.Equal(10, rows.Count);
        Assert.All(rows, row =>
        {
            var evidence = row.Groups[1].Value;
            var named = Regex.Matches(evidence, @"`(\w+)`").Select(match => match.Groups[1].Value).ToList();
            Assert.True(named.Count > 0 || evidence.Contains("pending", StringComparison.Ordinal), $"no test and not pending: {row.Value}");
            Assert.DoesNotContain(named, name => !names.Contains(name));
        });
    }

    [Fact]
    public void The_table_of_requirements_lists_the_tests_that_name_them()
    {
        var document = SourceTree.Get(Table).Text;
        var expected = document[..(document.IndexOf(Start, StringComparison.Ordinal) + Start.Length)] + RequirementRows();
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(Path.Combine(Repository.Root, Table), expected);
        else
            Assert.True(expected == document, $"{Table} is stale: UPDATE_SNAPSHOTS=1 ./run test Tidy");
    }

    private static string RequirementRows()
    {
        var rows = new StringBuilder("\n| row | tests |\n|---|---|\n");
        var byRequirement = Tests()
            .SelectMany(test => test.Requirements.Select(requirement => (requirement, test.Name)))
            .GroupBy(pair => pair.requirement, pair => pair.Name)
            .OrderBy(group => Regex.Replace(group.Key, @"\d+", number => number.Value.PadLeft(3, '0')), StringComparer.Ordinal);
        foreach (var group in byRequirement)
            rows.Append($"| {group.Key} | {string.Join(", ", group.Distinct().Order(StringComparer.Ordinal).Select(name => $"`{name}`"))} |\n");
        return rows.ToString();
    }

    // Traits stand above a test, and above a class they hold for all of its tests.
    internal static IEnumerable<(string Name, string[] Requirements)> Tests()
    {
        foreach (var file in SourceTree.CSharp.Where(file => file.Project.EndsWith(".Tests", StringComparison.Ordinal)))
        {
            List<string> ofClass = [], pending = [];
            var isTest = false;
            foreach (var (_, line) in file.Code)
            {
                pending.AddRange(Requirement().Matches(line).Select(match => match.Groups[1].Value));
                pending.AddRange(Fault().Matches(line).SelectMany(match => match.Groups[1].Value.Split(", ").Select(number => $"F{int.Parse(number):00}")));
                isTest |= line.Contains("[Fact", StringComparison.Ordinal) || line.Contains("[Theory", StringComparison.Ordinal);
                if (Regex.IsMatch(line, @"\bclass \w+"))
                    (ofClass, pending) = (pending, []);
                else if (isTest && Method().Match(line) is { Success: true } method)
                {
                    yield return (method.Groups[1].Value, [.. ofClass, .. pending]);
                    (pending, isTest) = ([], false);
                }
            }
        }
    }

    [GeneratedRegex(@"Trait\(""req"",\s*""([^""]+)""\)")]
    private static partial Regex Requirement();

    [GeneratedRegex(@"^\s*\[Fault\(([\d, ]+)\)\]")]
    private static partial Regex Fault();

    [GeneratedRegex(@"\bpublic [\w<>\s]+? (\w+)\(")]
    private static partial Regex Method();

    [GeneratedRegex(@"^\| \d+ \|[^|]*\|[^|]*\|([^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex PromiseRow();
}
