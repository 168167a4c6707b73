namespace Wherry.Wire.Generator.Codecs;

/// <summary>A declaration, reduced to what its codec needs.</summary>
/// <param name="Modifiers">Accessibility, repeated on the generated part.</param>
internal sealed record XdrStructModel(
    string Namespace,
    string Modifiers,
    string Name,
    EquatableArray<XdrField> Fields,
    EquatableArray<DiagnosticRecord> Diagnostics);

/// <param name="Read">Expression that reads the field from <c>reader</c>.</param>
/// <param name="Write">Statement that writes it to <c>writer</c>.</param>
internal sealed record XdrField(string Read, string Write);
