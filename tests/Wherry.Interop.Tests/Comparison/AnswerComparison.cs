using System.Text;
using System.Text.RegularExpressions;

namespace Wherry.Interop.Tests.Comparison;

/// <summary>What came of comparing two answers.</summary>
internal enum ComparedAnswers
{
    Equal,

    /// <summary>They differ, and the table says why.</summary>
    Explained,

    /// <summary>They differ, and nobody has said why.</summary>
    Unexplained,

    /// <summary>The table says why they differ, and they do not.</summary>
    NeedlesslyExplained,

    /// <summary>No daemon was asked: a program, module, file or option that the call needs is missing, and both answers are that of the test bench.</summary>
    NotAsked,
}

/// <summary>Compares the answers of wherryd and of stock libvirtd to a table of calls, and counts. Every call counts as one thing only.</summary>
internal sealed partial class AnswerComparison
{
    private readonly StringBuilder _problems = new();
    private readonly Dictionary<ComparedAnswers, int> _counts = [];

    /// <summary>What is wrong: differences that nobody explained, and explanations of what does not differ. Empty when all is well.</summary>
    public string Problems => _problems.ToString();

    public string Summary =>
        $"{_counts.Values.Sum()} calls, {Count(ComparedAnswers.Equal)} equal, {Count(ComparedAnswers.Explained)} explained differences, "
        + $"{Count(ComparedAnswers.Unexplained)} unexplained, {Count(ComparedAnswers.NeedlesslyExplained)} explained without need, "
        + $"{Count(ComparedAnswers.NotAsked)} not asked";

    /// <summary>Compares two answers to one call; no explanation means that they should be the same.</summary>
    public ComparedAnswers Add(string call, string ours, string stock, string? whyDifferent)
    {
        var compared = (ours == stock, whyDifferent) switch
        {
            _ when OfTheBench().IsMatch(ours) || OfTheBench().IsMatch(stock) => ComparedAnswers.NotAsked,
            (true, null) => ComparedAnswers.Equal,
            (true, _) => ComparedAnswers.NeedlesslyExplained,
            (false, null) => ComparedAnswers.Unexplained,
            _ => ComparedAnswers.Explained,
        };
        _counts[compared] = Count(compared) + 1;
        if (compared == ComparedAnswers.Unexplained)
            _problems.Append($"{call}\n{LineDifference.Of(ours, stock)}\n");
        if (compared == ComparedAnswers.NeedlesslyExplained)
            _problems.Append($"{call}\n  both daemons give the same answer: remove the explanation\n");
        if (compared == ComparedAnswers.NotAsked)
            _problems.Append($"{call}\n  the test bench is at fault, whatever the daemons would say:\n{ours}\n{stock}\n");
        return compared;
    }

    /// <summary>Fails the test unless all differences are explained and no more.</summary>
    public void Check() => Assert.True(_problems.Length == 0, $"{Summary}\n{Problems}");

    private int Count(ComparedAnswers compared) => _counts.GetValueOrDefault(compared);

    /// <summary>
    /// What a shell, Python or virsh says by itself, and the exit codes of a program that cannot be run and of a script whose watchdog ended it.
    /// Answers with these are equal on both daemons, and prove nothing.
    /// </summary>
    [GeneratedRegex(
        @"^Traceback \(most recent call last\)|: can't open file |^sh: \d+: "
        + @"|^error: (?:unknown command|command '.*' (?:doesn't support option|requires)|unexpected data|[Ff]ailed to connect socket|File '.*' does not contain any <cpu>)|^virt-\w+: error: (?:argument|unrecognized)"
        + @"|\(exit code (?:99|12[67])\)$",
        RegexOptions.Multiline)]
    private static partial Regex OfTheBench();
}
