namespace Wherry.Wire.Xdr;

/// <summary>
/// Marks a <c>readonly partial record struct</c> whose primary constructor lists the fields in wire order; the generator writes its
/// <see cref="IXdr{TSelf}"/> implementation.
/// <code>
/// [XdrStruct]
/// public readonly partial record struct DomainGetStateArgs(NonnullDomain Dom, uint Flags);
/// </code>
/// <list type="table">
/// <listheader><term>C#</term><description>XDR</description></listheader>
/// <item><term><c>int uint long ulong bool double</c>, enums</term><description>the same; an unknown enum value survives as its number</description></item>
/// <item><term><c>byte ushort</c></term><description>unsigned char, unsigned short (a word each)</description></item>
/// <item><term><c>string</c>, <c>string?</c></term><description>string, optional string; limit <see cref="XdrLimits.String"/> unless <see cref="XdrMaxAttribute"/> says otherwise</description></item>
/// <item><term><c>Guid</c></term><description>opaque[16] in printed order</description></item>
/// <item><term>another struct, <c>T?</c></term><description>that struct, an optional of it</description></item>
/// <item><term><c>ImmutableArray&lt;byte&gt;</c></term><description>opaque, with <see cref="XdrMaxAttribute"/></description></item>
/// <item><term><c>ImmutableArray&lt;T&gt;</c></term><description>T x&lt;max&gt;, with <see cref="XdrMaxAttribute"/>; T a struct, an enum, string, int, uint or ulong</description></item>
/// <item><term><c>string</c> with <see cref="XdrCharsAttribute"/></term><description>char x[n] or char x&lt;n&gt;</description></item>
/// </list>
/// </summary>
[AttributeUsage(AttributeTargets.Struct)]
public sealed class XdrStructAttribute : Attribute;
