using System.Text;

namespace Wherry.Interop.Tests.Transcript;

/// <summary>The two sessions side by side, and what is wrong with their differences.</summary>
internal sealed class TranscriptDocument
{
    private const string Introduction = """
        # A session of virsh

        Written by a test that runs this session of unmodified virsh against wherryd and against stock libvirtd 9.0, each on two hosts, `alpha` and
        `bravo`, and compares the answers: standard output, standard error and exit code. One answer means that both gave it. Do not edit; the script
        is [tests/data/transcript/NAME.txt](../tests/data/transcript/NAME.txt), and `UPDATE_SNAPSHOTS=1 ./run test Interop` writes this page.
        Directories of the run, host UUIDs, process ids, times and CPU times are replaced by names.


        """;

    private readonly StringBuilder _text = new();
    private readonly StringBuilder _problems = new();
    private int _commands, _differences;

    public TranscriptDocument(string name, SessionScript script, IReadOnlyList<Answer> ours, IReadOnlyList<Answer> stock)
    {
        _text.Append(Introduction.Replace("NAME", name, StringComparison.Ordinal));
        foreach (var step in script.Steps)
        {
            if (step is Step.Section section)
                _text.Append($"## {section.Title}\n\n");
            else if (step is Step.Command command)
                Add(command, ours[_commands], stock[_commands++]);
        }
    }

    public string Text => _text.ToString();

    /// <summary>Differences that nobody explained, and explanations of what does not differ.</summary>
    public string Problems => _problems.ToString();

    public string Summary => $"{_commands} commands, {_differences} differences";

    private void Add(Step.Command command, Answer ours, Answer stock)
    {
        var equal = ours == stock;
        if (!equal && command.WhyDifferent is null)
            _problems.Append($"{ours.Prompt}\n{LineDifference.Of(ours.ToString(), stock.ToString())}\n");
        if (equal && command.WhyDifferent is not null)
            _problems.Append($"{ours.Prompt}\n  both daemons give the same answer: remove the explanation from the script\n");
        if (command.WhyHidden is not null && equal)
            _text.Append($"```console\n{ours.Prompt}\n```\n\nBoth give the same answer, not shown: {command.WhyHidden}.\n\n");
        else if (equal)
            _text.Append($"```console\n{ours.Prompt}\n{ours}\n```\n\n".Replace("\n\n```\n", "\n```\n", StringComparison.Ordinal));
        else
            AddDifference(command, ours, stock);
    }

    private void AddDifference(Step.Command command, Answer ours, Answer stock)
    {
        _differences++;
        _text.Append($"```console\n{ours.Prompt}\n```\n\nThe answers differ (- stock, + wherryd): {command.WhyDifferent ?? "**nobody has explained why**"}\n\n");
        _text.Append($"```diff\n{LineDifference.Of(ours.ToString(), stock.ToString())}```\n\n");
    }
}

/// <summary>Two texts as one: lines of stock alone after "-", of wherryd alone after "+", and two lines around them for the place.</summary>
internal static class LineDifference
{
    private const int Context = 2;

    public static string Of(string ours, string stock)
    {
        string[] a = stock.Split('\n'), b = ours.Split('\n');
        // Length of the longest common subsequence of a[i..] and b[j..].
        var common = new int[a.Length + 1, b.Length + 1];
        for (var i = a.Length - 1; i >= 0; i--)
        {
            for (var j = b.Length - 1; j >= 0; j--)
                common[i, j] = a[i] == b[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
        }

        var lines = new List<string>();
        var (x, y) = (0, 0);
        while (x < a.Length || y < b.Length)
        {
            if (x < a.Length && y < b.Length && a[x] == b[y])
            {
                lines.Add($" {a[x++]}");
                y++;
            }
            else if (y == b.Length || (x < a.Length && common[x + 1, y] >= common[x, y + 1]))
                lines.Add($"-{a[x++]}");
            else
                lines.Add($"+{b[y++]}");
        }

        var near = lines.Select((line, at) => (line, at)).Where(pair =>
            lines.Skip(pair.at - Context).Take(pair.at < Context ? pair.at + Context + 1 : (2 * Context) + 1).Any(other => other[0] != ' '));
        return string.Concat(near.Select(pair => $"{pair.line.TrimEnd()}\n"));
    }
}
