using Microsoft.CodeAnalysis;

namespace Wherry.Wire.Generator.Codecs;

/// <summary>
/// The table from C# types to XDR: one line per form, as listed for the reader in XdrStructAttribute. A new form is a method pair
/// on XdrReader and XdrWriter and a line here.
/// </summary>
internal static class XdrFieldForms
{
    private const string StringLimit = "global::Wherry.Wire.Xdr.XdrLimits.String";

    /// <summary>The field's form, or a diagnostic that says why it has none.</summary>
    public static XdrField? Find(IParameterSymbol parameter, out DiagnosticRecord? diagnostic)
    {
        diagnostic = null;
        var name = parameter.Name;
        var type = parameter.Type;
        var max = Limit(parameter, KnownNames.XdrMax);
        var chars = Limit(parameter, KnownNames.XdrChars);

        if (max <= 0 || chars <= 0 || (chars is not null && (type.SpecialType != SpecialType.System_String || max is not null)))
            return Refuse(DiagnosticDescriptors.MisplacedLimit, out diagnostic);
        if (chars is { } count)
            return IsFixed(parameter)
                ? Form($"ReadFixedChars({count})", $"WriteFixedChars({name}, {count})")
                : Form($"ReadChars({count})", $"WriteChars({name}, {count})");
        if (type.SpecialType == SpecialType.System_String)
            return StringForm(max?.ToString() ?? StringLimit);
        if (type is INamedTypeSymbol { Name: "ImmutableArray" } list)
            return max is { } limit
                ? ListForm(list.TypeArguments[0], limit) ?? Refuse(DiagnosticDescriptors.FieldType, out diagnostic)
                : Refuse(DiagnosticDescriptors.MissingLimit, out diagnostic);
        if (max is not null)
            return Refuse(DiagnosticDescriptors.MisplacedLimit, out diagnostic);
        return PlainForm() ?? Refuse(DiagnosticDescriptors.FieldType, out diagnostic);

        XdrField StringForm(string limit) => type.NullableAnnotation == NullableAnnotation.Annotated
            ? Form($"ReadNullableString({limit})", $"WriteNullableString({name}, {limit})")
            : Form($"ReadString({limit})", $"WriteString({name}, {limit})");

        XdrField? ListForm(ITypeSymbol item, int limit) => item.SpecialType switch
        {
            SpecialType.System_Byte => Form($"ReadOpaque({limit})", $"WriteOpaque({name}, {limit})"),
            SpecialType.System_Int32 => Form($"ReadIntList({limit})", $"WriteIntList({name}, {limit})"),
            SpecialType.System_UInt32 => Form($"ReadUIntList({limit})", $"WriteUIntList({name}, {limit})"),
            SpecialType.System_UInt64 => Form($"ReadUHyperList({limit})", $"WriteUHyperList({name}, {limit})"),
            SpecialType.System_String =>
                Form($"ReadStringList({limit}, {StringLimit})", $"WriteStringList({name}, {limit}, {StringLimit})"),
            _ when IsIntEnum(item) => Form($"ReadEnumList<{Full(item)}>({limit})", $"WriteEnumList({name}, {limit})"),
            _ => IsXdr(item) ? Form($"ReadList<{Full(item)}>({limit})", $"WriteList({name}, {limit})") : null,
        };

        XdrField? PlainForm() => type.SpecialType switch
        {
            SpecialType.System_Int32 => Pair("Int"),
            SpecialType.System_UInt32 => Pair("UInt"),
            SpecialType.System_Int64 => Pair("Hyper"),
            SpecialType.System_UInt64 => Pair("UHyper"),
            SpecialType.System_Boolean => Pair("Bool"),
            SpecialType.System_Double => Pair("Double"),
            SpecialType.System_Byte => Pair("Byte"),
            SpecialType.System_UInt16 => Pair("UShort"),
            _ => NamedForm(),
        };

        XdrField? NamedForm() => type switch
        {
            { Name: "Guid", ContainingNamespace: { Name: "System", ContainingNamespace.IsGlobalNamespace: true } } => Pair("Uuid"),
            _ when IsIntEnum(type) =>
                new($"({Full(type)})reader.ReadInt()", $"writer.WriteInt((int){name})"),
            INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } optional when IsXdr(optional.TypeArguments[0]) =>
                Form($"ReadOptional<{Full(optional.TypeArguments[0])}>()", $"WriteOptional({name})"),
            _ when IsXdr(type) => new($"{Full(type)}.Decode(ref reader)", $"{name}.Encode(writer)"),
            _ => null,
        };

        XdrField Pair(string form) => Form($"Read{form}()", $"Write{form}({name})");

        static XdrField Form(string read, string write) => new($"reader.{read}", $"writer.{write}");

        XdrField? Refuse(DiagnosticDescriptor descriptor, out DiagnosticRecord? refusal)
        {
            refusal = DiagnosticRecord.Create(descriptor, parameter, name, type.ToDisplayString());
            return null;
        }
    }

    private static int? Limit(IParameterSymbol parameter, string attribute) =>
        Attribute(parameter, attribute)?.ConstructorArguments.FirstOrDefault().Value as int?;

    private static bool IsFixed(IParameterSymbol parameter) =>
        Attribute(parameter, KnownNames.XdrChars)!.NamedArguments.Any(argument => argument is { Key: "Fixed", Value.Value: true });

    private static AttributeData? Attribute(ISymbol symbol, string name) =>
        symbol.GetAttributes().FirstOrDefault(attribute => attribute.AttributeClass?.ToDisplayString() == name);

    // A struct of this very compilation has no interface yet, but the attribute that will give it one.
    private static bool IsXdr(ITypeSymbol type) => type.IsValueType
        && (Attribute(type, KnownNames.XdrStruct) is not null
            || type.AllInterfaces.Any(implemented => implemented.OriginalDefinition.ToDisplayString() == KnownNames.XdrInterface));

    private static bool IsIntEnum(ITypeSymbol type) =>
        type is INamedTypeSymbol { EnumUnderlyingType.SpecialType: SpecialType.System_Int32 };

    private static string Full(ITypeSymbol type) => type.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);
}
