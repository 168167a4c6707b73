using System.Collections.Immutable;
using System.Globalization;
using Wherry.Errors;

namespace Wherry.Daemon.Configuration;

/// <summary>Reads the text of a <see cref="ConfFile"/> character by character.</summary>
internal sealed class ConfReader(string name, string text)
{
    /// <summary>Far above any real list (sasl_allowed_username_list is the longest).</summary>
    private const int MaxListItems = 10_000;

    private int _at;
    private int _line = 1;

    private char Current => _at < text.Length ? text[_at] : '\0';

    private bool AtEnd => _at >= text.Length;

    public Dictionary<string, ConfEntry> ReadAll()
    {
        var entries = new Dictionary<string, ConfEntry>(StringComparer.Ordinal);
        for (SkipBlankAndComments(); !AtEnd; SkipBlankAndComments())
        {
            var line = _line;
            var key = ReadKey();
            SkipSpaces();
            if (Current != '=')
                throw Error("expecting an assignment");
            _at++;
            SkipSpaces();
            entries.TryAdd(key, new ConfEntry(ReadValue(), line));
            SkipSpaces();
            if (!AtEnd && Current is not ('\n' or '#' or ';'))
                throw Error("expecting a separator");
            if (Current == ';')
                _at++;
        }
        return entries;
    }

    private string ReadKey()
    {
        if (!char.IsAsciiLetter(Current))
            throw Error("expecting a name");
        var start = _at;
        while (char.IsAsciiLetterOrDigit(Current) || Current is '_' or '-' or '.' or ':')
            _at++;
        return text[start.._at];
    }

    private ConfValue ReadValue() => Current switch
    {
        '"' or '\'' => new ConfValue.Text(ReadText()),
        '[' => ReadList(),
        '-' or (>= '0' and <= '9') => ReadNumber(),
        _ => throw Error("expecting a value"),
    };

    private string ReadText()
    {
        if (text.AsSpan(_at).StartsWith("\"\"\"", StringComparison.Ordinal))
            return ReadUntil("\"\"\"", acrossLines: true);
        return ReadUntil(Current.ToString(), acrossLines: false);
    }

    private string ReadUntil(string quote, bool acrossLines)
    {
        _at += quote.Length;
        var end = text.IndexOf(quote, _at, StringComparison.Ordinal);
        if (end < 0 || (!acrossLines && text.AsSpan(_at, end - _at).Contains('\n')))
            throw Error("unterminated string");
        var content = text[_at..end];
        _line += content.Count(c => c == '\n');
        _at = end + quote.Length;
        return content;
    }

    private ConfValue.Number ReadNumber()
    {
        var start = _at++;
        while (char.IsAsciiDigit(Current))
            _at++;
        return long.TryParse(text.AsSpan(start, _at - start), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? new ConfValue.Number(value)
            : throw Error("unterminated number");
    }

    private ConfValue.List ReadList()
    {
        var items = ImmutableArray.CreateBuilder<string>();
        _at++;
        for (SkipBlankAndComments(); Current != ']'; SkipBlankAndComments())
        {
            if (AtEnd)
                throw Error("list is not closed with ]");
            if (Current is not ('"' or '\''))
                throw Error("expecting a string in the list");
            if (items.Count == MaxListItems)
                throw Error($"more than {MaxListItems} items in the list");
            items.Add(ReadText());
            SkipBlankAndComments();
            if (Current == ',')
                _at++;
            else if (Current != ']')
                throw Error(AtEnd ? "list is not closed with ]" : "expecting a separator in list");
        }
        _at++;
        return new ConfValue.List(items.ToImmutable());
    }

    private void SkipSpaces()
    {
        while (Current is ' ' or '\t' or '\r')
            _at++;
    }

    private void SkipBlankAndComments()
    {
        while (!AtEnd)
        {
            if (Current == '#')
            {
                while (!AtEnd && Current != '\n')
                    _at++;
            }
            else if (Current is ' ' or '\t' or '\r' or '\n')
            {
                if (Current == '\n')
                    _line++;
                _at++;
            }
            else
            {
                return;
            }
        }
    }

    private WherryException Error(string expected) =>
        new(ErrorCode.ConfSyntax, $"{name}:{_line.ToString(CultureInfo.InvariantCulture)}: {expected}", ErrorDomain.Conf);
}
