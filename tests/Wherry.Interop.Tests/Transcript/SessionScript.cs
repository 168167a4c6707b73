using System.Text.RegularExpressions;
using Wherry.Interop.Tests.Comparison;
using Wherry.Testbed;

namespace Wherry.Interop.Tests.Transcript;

/// <summary>
/// What is typed in the session, read from tests/data/transcript:
/// <code>
///   = Title                       a section
///   alpha$ virsh ARGUMENTS        a command on a host, answered before the next one starts
///   ! reason                      after a command: its two answers differ, and why
///   ~ reason                      after a command: the answers must be equal, but are not shown, because they depend on the machine
///   &amp; NAME alpha virsh ARGUMENTS   a command that listens in the background; goes on when it hears
///   % NAME alpha virsh ARGUMENTS  a command that works in the background
///   . NAME                        the end of such a command (a listener is interrupted), and its answer
///   ? ready                       goes on when the guest with a kernel has booted once more
///   ? alpha TEXT = ARGUMENTS      goes on when the answer of virsh with these arguments has this text
/// </code>
/// </summary>
internal sealed record SessionScript(IReadOnlyList<Step> Steps)
{
    public static string Directory { get; } = Path.Combine(Repository.Root, "tests/data/transcript");

    public static SessionScript Read(string path)
    {
        var steps = new List<Step>();
        foreach (var (line, said, number) in Explanations.Read(path, line => Explanations.IsExplanation(line) || line.StartsWith('~')))
        {
            var step = Parse(line) ?? throw new FormatException($"{path}:{number}: '{line}' is not a step");
            steps.Add(step switch
            {
                Step.Command command => command with
                {
                    WhyDifferent = Explanations.Of(said),
                    WhyHidden = said.LastOrDefault(one => !Explanations.IsExplanation(one))?[1..].Trim(),
                },
                _ when said.Count > 0 => throw new FormatException($"{path}:{number}: '{line}' has no answer to be explained"),
                _ => step,
            });
        }

        return new SessionScript(steps);
    }

    private static Step? Parse(string line)
    {
        var words = Words(line);
        return words switch
        {
            ["=", ..] => new Step.Section(line[1..].Trim()),
            ["alpha$" or "bravo$", "virsh", .. var arguments] => new Step.Command(words[0][..^1], line[(line.IndexOf('$') + 2)..], arguments),
            ["&" or "%", var name, var host, "virsh", .. var arguments] =>
                new Step.Background(words[0] == "&", name, host, line[line.IndexOf("virsh", StringComparison.Ordinal)..], arguments),
            [".", var name] => new Step.Command("", name, []),
            ["?", "ready"] => new Step.Ready(),
            ["?", var host, var text, "=", .. var arguments] => new Step.Until(host, text, arguments),
            _ => null,
        };
    }

    // As a shell would: blanks part words, except within quotes.
    private static string[] Words(string line) =>
        [.. Regex.Matches(line, """'([^']*)'|"([^"]*)"|(\S+)""").Select(match => match.Groups.Values.Skip(1).First(group => group.Success).Value)];
}

internal abstract record Step
{
    private Step()
    {
    }

    public sealed record Section(string Title) : Step;

    /// <summary>The host is empty for the end of a background command, whose name is the text.</summary>
    public sealed record Command(string Host, string Text, string[] Arguments) : Step
    {
        public string? WhyDifferent { get; init; }

        public string? WhyHidden { get; init; }
    }

    public sealed record Background(bool Listens, string Name, string Host, string Text, string[] Arguments) : Step;

    public sealed record Ready : Step;

    public sealed record Until(string Host, string Text, string[] Arguments) : Step;
}

/// <summary>A command as typed, and what came back, without what is incidental.</summary>
internal sealed record Answer(string Prompt, string Text, int ExitCode)
{
    public override string ToString() => ExitCode == 0 ? Text : $"{Text}{(Text.Length == 0 ? "" : "\n")}(exit code {ExitCode})";
}
