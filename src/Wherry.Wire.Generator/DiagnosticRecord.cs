using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Wherry.Wire.Generator;

/// <summary>A diagnostic as a plain value, since a <see cref="Location"/> would keep a whole compilation alive in the incremental cache.</summary>
internal sealed record DiagnosticRecord(
    DiagnosticDescriptor Descriptor, string Path, TextSpan Span, LinePositionSpan Lines, EquatableArray<string> Arguments)
{
    public static DiagnosticRecord Create(DiagnosticDescriptor descriptor, ISymbol symbol, params string[] arguments)
    {
        var location = symbol.Locations.FirstOrDefault() ?? Location.None;
        return new(descriptor, location.SourceTree?.FilePath ?? "", location.SourceSpan, location.GetLineSpan().Span, new(arguments));
    }

    public Diagnostic ToDiagnostic() =>
        Diagnostic.Create(Descriptor, Location.Create(Path, Span, Lines), Arguments.ToArray());
}
