using Microsoft.CodeAnalysis;

namespace Wherry.Wire.Generator.Procedures;

/// <summary>Reads the constants of a [ProcedureTable] class, from source or from a referenced assembly.</summary>
internal static class ProcedureTables
{
    public static bool IsTable(INamedTypeSymbol type) =>
        type.GetAttributes().Any(attribute => attribute.AttributeClass?.ToDisplayString() == KnownNames.ProcedureTable);

    /// <summary>The <c>const int</c> members, in the order of the source.</summary>
    public static IEnumerable<ProcedureEntry> Procedures(INamedTypeSymbol table)
    {
        foreach (var field in table.GetMembers().OfType<IFieldSymbol>())
        {
            if (field is not { HasConstantValue: true, ConstantValue: int number })
                continue;
            var traits = field.GetAttributes().FirstOrDefault(attribute => attribute.AttributeClass?.ToDisplayString() == KnownNames.Traits);
            yield return new(
                field.Name,
                number,
                Has(traits, "ReadOnly"),
                Has(traits, "Priority"),
                Has(traits, "BeforeAuth"),
                Argument(traits, "Api") as string ?? "vir" + field.Name);
        }
    }

    private static bool Has(AttributeData? traits, string trait) => Argument(traits, trait) is true;

    private static object? Argument(AttributeData? traits, string name) =>
        traits?.NamedArguments.FirstOrDefault(argument => argument.Key == name).Value.Value;
}
