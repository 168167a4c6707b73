namespace Wherry.Wire.Generator.Procedures;

/// <summary>A [ProcedureTable] class, reduced to its numbers.</summary>
internal sealed record ProcedureTableModel(
    string Namespace, string Modifiers, string Name, EquatableArray<ProcedureEntry> Procedures, EquatableArray<DiagnosticRecord> Diagnostics);

internal sealed record ProcedureEntry(string Name, int Number, bool ReadOnly, bool Priority, bool BeforeAuth, string Api);
