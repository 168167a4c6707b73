namespace Wherry.Rpc.Transports.Tls;

/// <summary>The patterns of <c>tls_allowed_dn_list</c>: '*' stands for any characters, also none, '?' for one. Nothing else is special.</summary>
internal static class Wildcard
{
    /// <summary>In time proportional to both lengths multiplied, whatever the pattern: a client chooses the text.</summary>
    public static bool Matches(string pattern, string text)
    {
        int p = 0, t = 0, star = -1, resume = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                star = p++;
                resume = t;
            }
            else if (p < pattern.Length && (pattern[p] == '?' || pattern[p] == text[t]))
            {
                p++;
                t++;
            }
            else if (star >= 0)
            {
                p = star + 1;
                t = ++resume;
            }
            else
            {
                return false;
            }
        }

        while (p < pattern.Length && pattern[p] == '*') p++;
        return p == pattern.Length;
    }
}
