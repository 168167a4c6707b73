using System.Globalization;
using System.Text;
using System.Xml;

namespace Wherry.Xml;

/// <summary>
/// Says what is wrong with text that is not XML, in the words that administrators know: those of libxml2, which libvirt passes on with the
/// line and a mark under the place. It only runs on text that the real reader has refused, and looks no further than the first fault.
/// </summary>
/// <remarks>
/// <code>
///   prolog --> element: start tag, content (text, references, comments, elements), end tag --> epilog
///                 '--> Fault: words, and the position where libxml2's reader stands when it notices
/// </code>
/// Source: xmllint 2.9.14 on one faulty document of each kind, and virsh against libvirtd 9.0 (docs/virsh-transcript.md).
/// </remarks>
internal sealed class MalformedXml
{
    private const char End = '\0';

    private readonly string _text;
    private readonly Stack<(string Name, int Line)> _open = new();
    private int _at;

    private MalformedXml(string text) => _text = text;

    private char Current => _at < _text.Length ? _text[_at] : End;

    /// <summary>"LINE: what is wrong", the line itself, and a mark; null when nothing that libxml2 minds is found.</summary>
    public static string? Describe(string text)
    {
        var reader = new MalformedXml(text);
        try
        {
            reader.ReadDocument();
            return null;
        }
        catch (Fault fault)
        {
            return reader.Show(fault.Message);
        }
    }

    private void ReadDocument()
    {
        if (_text.Length == 0)
            throw new Fault("Document is empty");
        SkipMisc();
        if (Current != '<')
            throw new Fault("Start tag expected, '<' not found");
        ReadStartTag();
        while (_open.Count > 0)
            ReadContent();
        SkipMisc();
        if (_at < _text.Length)
            throw new Fault("Extra content at the end of the document");
    }

    private void ReadContent()
    {
        if (_at >= _text.Length)
            throw new Fault($"Premature end of data in tag {_open.Peek().Name} line {_open.Peek().Line}");
        if (Ahead("</"))
            ReadEndTag();
        else if (Ahead("<!--"))
            ReadComment();
        else if (Ahead("<![CDATA["))
            Skip("<![CDATA[", "]]>", "CData section not finished\n");
        else if (Ahead("<?"))
            Skip("<?", "?>", "ParsePI: PI never end ...");
        else if (Current == '<')
            ReadStartTag();
        else if (Current == '&')
            ReadReference();
        else if (Ahead("]]>"))
            throw new Fault("Sequence ']]>' not allowed in content");
        else
            ReadCharacter();
    }

    private void ReadCharacter()
    {
        var isPair = _at + 1 < _text.Length && char.IsSurrogatePair(_text[_at], _text[_at + 1]);
        if (!isPair && !XmlConvert.IsXmlChar(Current))
            throw new Fault($"PCDATA invalid Char value {(int)Current}");
        _at += isPair ? 2 : 1;
    }

    private void ReadStartTag()
    {
        var line = Line(_at);
        _at++;
        var name = ReadName() ?? throw new Fault("StartTag: invalid element name");
        var attributes = new HashSet<string>(StringComparer.Ordinal);
        string? twice = null;
        SkipBlanks();
        while (Current != '>' && !Ahead("/>"))
        {
            if (_at >= _text.Length)
                throw new Fault($"Couldn't find end of Start Tag {name} line {line}");
            var attribute = ReadAttribute();
            if (!attributes.Add(attribute))
                twice ??= attribute;
            if (!IsBlank(Current) && Current != '>' && !Ahead("/>"))
                throw new Fault("attributes construct error");
            SkipBlanks();
        }

        if (twice is not null)
            throw new Fault($"Attribute {twice} redefined");
        if (Current == '>')
            _open.Push((name, line));
        _at += Current == '>' ? 1 : 2;
    }

    private string ReadAttribute()
    {
        var name = ReadName() ?? throw new Fault("error parsing attribute name");
        SkipBlanks();
        if (Current != '=')
            throw new Fault($"Specification mandates value for attribute {name}");
        _at++;
        SkipBlanks();
        var quote = Current;
        if (quote is not ('"' or '\''))
            throw new Fault("AttValue: \" or ' expected");
        _at++;
        while (Current != quote)
        {
            if (_at >= _text.Length)
                throw new Fault("AttValue: ' expected");
            if (Current == '<')
                throw new Fault("Unescaped '<' not allowed in attributes values");
            if (Current == '&')
                ReadReference();
            else
                _at++;
        }

        _at++;
        return name;
    }

    private void ReadEndTag()
    {
        _at += 2;
        var name = ReadName() ?? "unparsable";
        SkipBlanks();
        if (Current != '>')
            throw new Fault("expected '>'");
        _at++;
        var open = _open.Pop();
        if (name != open.Name)
            throw new Fault($"Opening and ending tag mismatch: {open.Name} line {open.Line} and {name}");
    }

    private void ReadReference()
    {
        _at++;
        if (Current == '#')
        {
            ReadCharacterReference();
            return;
        }

        var name = ReadName() ?? throw new Fault("xmlParseEntityRef: no name");
        if (Current != ';')
            throw new Fault("EntityRef: expecting ';'");
        _at++;
        if (name is not ("amp" or "lt" or "gt" or "quot" or "apos"))
            throw new Fault($"Entity '{name}' not defined");
    }

    private void ReadCharacterReference()
    {
        _at++;
        var isHexadecimal = Current == 'x';
        _at += isHexadecimal ? 1 : 0;
        var start = _at;
        while (isHexadecimal ? char.IsAsciiHexDigit(Current) : char.IsAsciiDigit(Current))
            _at++;
        if (Current != ';' || _at == start)
            throw new Fault($"xmlParseCharRef: invalid {(isHexadecimal ? "hexadecimal" : "decimal")} value");
        var isNumber = int.TryParse(
            _text.AsSpan(start, _at - start), isHexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var value);
        _at++;
        if (!isNumber || !(Rune.IsValid(value) && (value > char.MaxValue || XmlConvert.IsXmlChar((char)value))))
            throw new Fault($"xmlParseCharRef: invalid xmlChar value {value}");
    }

    private void ReadComment()
    {
        var start = _at + "<!--".Length;
        var dashes = start <= _text.Length ? _text.IndexOf("--", start, StringComparison.Ordinal) : -1;
        if (dashes < 0)
        {
            _at = _text.Length;
            throw new Fault("Comment not terminated");
        }

        _at = dashes;
        if (!Ahead("-->"))
            throw new Fault("Double hyphen within comment: <!--" + Limited(_text[start..dashes]));
        _at += "-->".Length;
    }

    private void Skip(string opening, string closing, string unclosed)
    {
        var end = _text.IndexOf(closing, _at + opening.Length, StringComparison.Ordinal);
        _at = end < 0 ? _text.Length : end + closing.Length;
        if (end < 0)
            throw new Fault(unclosed);
    }

    private void SkipMisc()
    {
        while (true)
        {
            SkipBlanks();
            if (Ahead("<!--"))
                ReadComment();
            else if (Ahead("<?"))
                Skip("<?", "?>", "ParsePI: PI never end ...");
            else
                return;
        }
    }

    private void SkipBlanks()
    {
        while (IsBlank(Current))
            _at++;
    }

    private string? ReadName()
    {
        var start = _at;
        if (Current != ':' && !XmlConvert.IsStartNCNameChar(Current))
            return null;
        while (Current == ':' || XmlConvert.IsNCNameChar(Current))
            _at++;
        return _text[start.._at];
    }

    private bool Ahead(string text) => string.CompareOrdinal(_text, _at, text, 0, text.Length) == 0;

    private static bool IsBlank(char character) => character is ' ' or '\t' or '\n' or '\r';

    private static string Limited(string text) => text[..Math.Min(50, text.Length)];

    private int Line(int position) => _text.AsSpan(0, position).Count('\n') + 1;

    /// <summary>The line that the position is in, or the one before when it is at a line's end, and a mark of dashes up to it.</summary>
    private string Show(string message)
    {
        var last = _at;
        while (last > 0 && last < _text.Length && _text[last] is '\n' or '\r')
            last--;
        var start = last == 0 ? 0 : _text.LastIndexOfAny(['\n', '\r'], Math.Min(last, _text.Length) - 1) + 1;
        var end = _text.IndexOfAny(['\n', '\r'], start);
        var line = _text[start..(end < 0 ? _text.Length : end)];
        var mark = new string([.. line.Take(_at - start).Select(character => character == '\t' ? '\t' : '-')]);
        return string.Create(CultureInfo.InvariantCulture, $"{Line(_at)}: {message}\n{line}\n{mark}^");
    }

    private sealed class Fault(string message) : Exception(message);
}
