using Wherry.Wire.Generator.Procedures;

namespace Wherry.Wire.Generator.Dispatch;

/// <summary>A class that answers a program's calls, reduced to what its dispatch needs.</summary>
/// <param name="Table">Full name of the [ProcedureTable] class.</param>
internal sealed record RpcProgramModel(
    string Namespace,
    string Name,
    string Table,
    EquatableArray<ProcedureHandler> Handlers,
    EquatableArray<DiagnosticRecord> Diagnostics);

/// <param name="Arguments">Full name of the arguments' struct, null without arguments.</param>
internal sealed record ProcedureHandler(string Method, ProcedureEntry Procedure, string? Arguments, bool HasResult);
