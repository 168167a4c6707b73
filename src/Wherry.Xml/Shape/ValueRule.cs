using System.Globalization;

namespace Wherry.Xml;

/// <summary>
/// Reads one attribute value or element text and gives its canonical form. Null means "not a value this place allows"; the empty
/// string means "allowed, and the same as writing nothing", so the attribute is dropped as libvirt drops it.
/// </summary>
internal delegate string? ValueRule(string text);

/// <summary>The kinds of value in domain XML, each with the form in which libvirt writes it back.</summary>
internal static class Values
{
    public static readonly ValueRule Any = text => text;

    public static readonly ValueRule YesNo = text => text is "yes" or "no" ? text : null;

    public static readonly ValueRule OnOff = text => text is "on" or "off" ? text : null;

    public static readonly ValueRule Uint = text => Number(text) is { } value && value <= uint.MaxValue ? Decimal(value) : null;

    public static readonly ValueRule Ulong = text => Number(text) is { } value ? Decimal(value) : null;

    /// <summary>A number of which 0 means "not given".</summary>
    public static readonly ValueRule Count = text => Uint(text) is { } canonical ? canonical == "0" ? "" : canonical : null;

    /// <summary>As <see cref="Count"/>, but 0 is an error.</summary>
    public static readonly ValueRule Positive = text => Uint(text) is { } canonical && canonical != "0" ? canonical : null;

    /// <summary>As <see cref="Count"/>, of 64 bits.</summary>
    public static readonly ValueRule BigCount = text => Ulong(text) is { } canonical ? canonical == "0" ? "" : canonical : null;

    public static readonly ValueRule Int =
        text => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? Decimal(value) : null;

    public static readonly ValueRule Long =
        text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? Decimal(value) : null;

    /// <summary>As <see cref="Positive"/>, where libvirt says what is wrong with 0.</summary>
    public static readonly ValueRule Nonzero = text => Positive(text);

    /// <summary>As <see cref="Uint"/> within 31 bits, where libvirt says what is wrong with a negative number.</summary>
    public static readonly ValueRule Nonnegative = text => Int(text) is { } canonical && canonical[0] != '-' ? canonical : null;

    /// <summary>Dashes and spaces may stand anywhere in it.</summary>
    public static readonly ValueRule Uuid = text =>
        Guid.TryParseExact(string.Concat(text.Split('-', ' ')).Trim(), "N", out var uuid) ? uuid.ToString("D") : null;

    /// <summary>Six bytes in hexadecimal with colons; written back in lower case with two digits each.</summary>
    public static readonly ValueRule Mac = text =>
    {
        var bytes = text.Split(':');
        return bytes.Length == 6 && Array.TrueForAll(bytes, part => part.Length is 1 or 2 && part.All(char.IsAsciiHexDigit))
            ? string.Join(':', bytes.Select(part => part.PadLeft(2, '0').ToLowerInvariant()))
            : null;
    };

    public static ValueRule OneOf(params string[] words) => text => Array.IndexOf(words, text) >= 0 ? text : null;

    /// <summary>As <see cref="OneOf"/>, where <paramref name="byDefault"/> says what writing nothing says too.</summary>
    public static ValueRule OneOfOr(string byDefault, params string[] words) =>
        text => text == byDefault ? "" : Array.IndexOf(words, text) >= 0 ? text : null;

    /// <summary>Decimal or 0x; written in hexadecimal with at least <paramref name="digits"/> digits.</summary>
    public static ValueRule Hex(int digits) => text =>
        XElementReading.TryParseNumber(text, out var value) ? "0x" + value.ToString("x", CultureInfo.InvariantCulture).PadLeft(digits, '0') : null;

    private static ulong? Number(string text) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static string Decimal<T>(T value)
        where T : IFormattable => value.ToString(null, CultureInfo.InvariantCulture);
}
