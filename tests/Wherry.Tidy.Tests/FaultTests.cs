using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Wherry.Tidy.Tests;

/// <summary>Every failure of docs/faults.md has tests that inject it, or a reason why none can and the test that comes nearest.</summary>
public sealed partial class FaultTests(ITestOutputHelper output)
{
    private const int Last = 104;

    /// <summary>The reason that is none: the report of the suite calls it a failure.</summary>
    private const string NotYet = "no test yet";

    /// <summary>Where <c>./run test --suite faults</c> puts xunit's reports.</summary>
    private const string Reports = "WHERRY_FAULT_REPORTS";

    [Fact]
    public void Every_number_has_a_row_and_a_test_or_a_reason()
    {
        var tested = EvidenceTests.Tests().SelectMany(test => test.Requirements).ToHashSet();
        var names = EvidenceTests.Tests().Select(test => test.Name).ToHashSet();
        var rows = Rows();
        Assert.Equal(Enumerable.Range(1, Last).Select(Number), rows.Select(row => row.Number));
        Assert.Empty(rows.Where(row => row.Reason.Length == 0 && !tested.Contains(row.Number)).Select(row => $"{row.Number} has neither a test nor a reason"));
        Assert.Empty(rows.Where(row => row.Reason is not ("" or NotYet) && !NamedTest().Matches(row.Reason).Any(match => names.Contains(match.Groups[1].Value)))
            .Select(row => $"{row.Number} names no nearest test that exists"));
    }

    /// <summary>The last step of the suite: what each number came to. A number without a test that passed and without a reason fails it.</summary>
    [Fact(Explicit = true)]
    public void Report_of_the_faults()
    {
        var directory = Environment.GetEnvironmentVariable(Reports);
        Assert.False(string.IsNullOrEmpty(directory), $"{Reports} names no directory; ./run test --suite faults does");
        var results = Directory.EnumerateFiles(directory, "*.xml").SelectMany(file => Results(XDocument.Load(file))).ToLookup(result => result.Number);
        var wrong = new List<string>();
        foreach (var row in Rows())
        {
            var passed = results[row.Number].Where(result => result.Outcome == "Pass").ToList();
            var failed = results[row.Number].Where(result => result.Outcome == "Fail").ToList();
            var verdict = failed.Count > 0 ? "FAILED" : passed.Count > 0 ? "passed" : row.Reason is not ("" or NotYet) ? "not run here" : "NO TEST";
            if (verdict is "FAILED" or "NO TEST")
                wrong.Add(row.Number);
            output.WriteLine($"{row.Number,-5}{verdict,-13}{row.Failure}");
            foreach (var (kind, name) in (failed.Count > 0 ? failed : passed).Select(result => (result.Kind, result.Test)).Distinct())
                output.WriteLine($"       {kind,-11}{name}");
            if (passed.Count == 0 && row.Reason.Length > 0)
                output.WriteLine($"       {row.Reason}");
        }

        Assert.True(wrong.Count == 0, $"failed or without a test: {string.Join(' ', wrong)}");
    }

    private static IEnumerable<Result> Results(XDocument report) =>
        from test in report.Descendants("test")
        let type = (string?)test.Attribute("type") ?? ""
        from trait in test.Elements("traits").Elements("trait")
        where (string?)trait.Attribute("name") == "fault"
        select new Result(
            (string?)trait.Attribute("value") ?? "", (string?)test.Attribute("result") ?? "", KindOf(type), $"{type[(type.LastIndexOf('.') + 1)..]}.{(string?)test.Attribute("method")}");

    /// <summary>What stands behind a test: two daemons and QEMUs, fakes of some of them, or the two machines alone.</summary>
    private static string KindOf(string type) =>
        Regex.IsMatch(type, @"^Wherry\.(Fault|Interop)\.Tests\.|\.QmpProxyTests$") ? "real QEMUs"
        : Regex.IsMatch(type, @"\.Migration\.(Explorer|Machines)\.") ? "model"
        : "simulated";

    private static List<Row> Rows() => [.. TableRow().Matches(SourceTree.Get("docs/faults.md").Text)
        .Select(match => new Row(match.Groups[1].Value, match.Groups[2].Value.Trim(), match.Groups[3].Value.Trim()))];

    private static string Number(int number) => string.Create(CultureInfo.InvariantCulture, $"F{number:00}");

    private sealed record Row(string Number, string Failure, string Reason);

    private sealed record Result(string Number, string Outcome, string Kind, string Test);

    [GeneratedRegex(@"^\| (F\d+) \|([^|]*)\|[^|]*\|([^|]*)\|$", RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex NamedTest();
}
