namespace Wherry.Interop.Tests.Comparison;

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
