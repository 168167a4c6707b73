namespace Wherry.Wire.Xdr;

/// <summary>Text sent as an array of <c>char</c>, a word for each byte (see <see cref="XdrReader.ReadChars"/>).</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class XdrCharsAttribute(int count) : Attribute
{
    /// <summary>How many characters, the terminating NUL included: the most when a count is sent, the number itself when <see cref="Fixed"/>.</summary>
    public int Count => count;

    /// <summary><c>char x[n]</c>: always <see cref="Count"/> characters and no count on the wire.</summary>
    public bool Fixed { get; init; }
}
