using System.Text;
using Wherry.Interop.Tests.Comparison;

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
    private readonly AnswerComparison _comparison = new();
    private int _commands;

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

    public AnswerComparison Comparison => _comparison;

    private void Add(Step.Command command, Answer ours, Answer stock)
    {
        var equal = _comparison.Add(ours.Prompt, ours.ToString(), stock.ToString(), command.WhyDifferent)
            is ComparedAnswers.Equal or ComparedAnswers.NeedlesslyExplained;
        if (command.WhyHidden is not null && equal)
            _text.Append($"```console\n{ours.Prompt}\n```\n\nBoth give the same answer, not shown: {command.WhyHidden}.\n\n");
        else if (equal)
            _text.Append($"```console\n{ours.Prompt}\n{ours}\n```\n\n".Replace("\n\n```\n", "\n```\n", StringComparison.Ordinal));
        else
            AddDifference(command, ours, stock);
    }

    private void AddDifference(Step.Command command, Answer ours, Answer stock)
    {
        _text.Append($"```console\n{ours.Prompt}\n```\n\nThe answers differ (- stock, + wherryd): {command.WhyDifferent ?? "**nobody has explained why**"}\n\n");
        _text.Append($"```diff\n{LineDifference.Of(ours.ToString(), stock.ToString())}```\n\n");
    }
}
