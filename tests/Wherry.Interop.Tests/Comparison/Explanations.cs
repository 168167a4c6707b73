namespace Wherry.Interop.Tests.Comparison;

/// <summary>
/// How the tables of calls say why two daemons answer differently: below the call, after an exclamation mark, on as many lines as it takes. What
/// differs must be explained, and what is explained must differ.
/// </summary>
internal static class Explanations
{
    /// <summary>
    /// The calls of a table, one a line, with what is said below each, in lines that are told from calls by the given test; blank lines and those
    /// that begin with a # are not read.
    /// </summary>
    /// <exception cref="FormatException">The first line is about a call.</exception>
    public static IReadOnlyList<(string Call, IReadOnlyList<string> Said, int Line)> Read(string path, Func<string, bool> isSaid)
    {
        var calls = new List<(string Call, List<string> Said, int Line)>();
        foreach (var (line, number) in File.ReadLines(path).Select((line, index) => (line.Trim(), index + 1)))
        {
            if (line.Length == 0 || line[0] == '#')
                continue;
            if (!isSaid(line))
                calls.Add((line, [], number));
            else if (calls.Count > 0)
                calls[^1].Said.Add(line);
            else
                throw new FormatException($"{path}:{number}: '{line}' stands below no call");
        }

        return [.. calls.Select(call => (call.Call, (IReadOnlyList<string>)call.Said, call.Line))];
    }

    /// <summary>The same, where nothing but explanations is said below a call.</summary>
    public static IReadOnlyList<(string Call, string? WhyDifferent)> Read(string path) =>
        [.. Read(path, IsExplanation).Select(row => (row.Call, Of(row.Said)))];

    public static bool IsExplanation(string line) => line.StartsWith('!');

    /// <summary>What the lines explain together; null when none does.</summary>
    public static string? Of(IEnumerable<string> said) =>
        string.Join(' ', said.Where(IsExplanation).Select(line => line[1..].Trim())) is { Length: > 0 } why ? why : null;
}
