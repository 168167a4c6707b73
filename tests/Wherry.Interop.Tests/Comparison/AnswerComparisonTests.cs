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
        Assert.Equal("4 calls, 1 equal, 1 explained differences, 1 unexplained, 1 explained without need", Needless());
        Assert.Equal("dumpxml\n-b\n+a\n\nuuid\n  both daemons give the same answer: remove the explanation\n", comparison.Problems);
        Assert.Throws<Xunit.Sdk.TrueException>(comparison.Check);

        string Needless()
        {
            Assert.Equal(ComparedAnswers.NeedlesslyExplained, comparison.Add("uuid", "a", "a", whyDifferent: "no longer"));
            return comparison.Summary;
        }
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
