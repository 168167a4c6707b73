namespace Wherry.Interop.Tests.Comparison;

public sealed class AnswerComparisonTests
{
    [Fact]
    public void A_difference_that_nobody_explains_fails_and_is_not_counted_as_explained()
    {
        var comparison = new AnswerComparison();
        Assert.Equal(ComparedAnswers.Equal, comparison.Add("list", "a", "a", whyDifferent: null));
        Assert.Equal(ComparedAnswers.Explained, comparison.Add("version", "a", "b", whyDifferent: "each says its own"));
        Assert.Empty(comparison.Problems);
        Assert.Equal(ComparedAnswers.Unexplained, comparison.Add("dumpxml", "a", "b", whyDifferent: null));
        Assert.Equal("4 calls, 1 equal, 1 explained differences, 1 unexplained, 1 explained without need, 0 not asked", Needless());
        Assert.Equal("dumpxml\n-b\n+a\n\nuuid\n  both daemons give the same answer: remove the explanation\n", comparison.Problems);
        Assert.Throws<Xunit.Sdk.TrueException>(comparison.Check);

        string Needless()
        {
            Assert.Equal(ComparedAnswers.NeedlesslyExplained, comparison.Add("uuid", "a", "a", whyDifferent: "no longer"));
            return comparison.Summary;
        }
    }

    /// <summary>The first was once the answer of a whole table's Python calls, and counted as equal.</summary>
    [Theory]
    [InlineData("Traceback (most recent call last):\n  File \"wire.py\", line 3\nModuleNotFoundError: No module named 'libvirt'\n(exit code 1)")]
    [InlineData("sh: 1: virt-install: not found\n(exit code 127)")]
    [InlineData("some output\n(exit code 99)")]
    [InlineData("error: unknown command: 'domnosuch'\n(exit code 1)")]
    [InlineData("error: File 'hosts.xml' does not contain any <cpu> element or valid domain XML, host capabilities XML, or domain capabilities XML\n(exit code 1)")]
    public void Answers_that_no_daemon_has_given_fail_although_they_are_equal(string answer)
    {
        var comparison = new AnswerComparison();
        Assert.Equal(ComparedAnswers.NotAsked, comparison.Add("python3 wire.py", answer, answer, whyDifferent: null));
        Assert.Equal(ComparedAnswers.NotAsked, comparison.Add("python3 wire.py", answer, "56 10", whyDifferent: "explained"));
        Assert.Throws<Xunit.Sdk.TrueException>(comparison.Check);
    }

    [Fact]
    public void An_explanation_stands_below_its_call_on_as_many_lines_as_it_takes()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "# a table\nlist\n! It is long,\n!  so it goes on.\n\nversion\n");
            Assert.Equal([("list", "It is long, so it goes on."), ("version", null)], Explanations.Read(path));
            File.WriteAllText(path, "! of nothing\nlist\n");
            Assert.Throws<FormatException>(() => Explanations.Read(path));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
