using Microsoft.CodeAnalysis;

namespace Wherry.Wire.Generator;

/// <summary>What the generator refuses, and how to put it right. Numbers are never reused.</summary>
internal static class DiagnosticDescriptors
{
    public static readonly DiagnosticDescriptor StructShape = Error(
        "WH0001",
        "XDR struct has the wrong shape",
        "'{0}' must be a 'readonly partial record struct', directly in a namespace, whose primary constructor lists the fields in wire order");

    public static readonly DiagnosticDescriptor FieldType = Error(
        "WH0002",
        "Field has no XDR form",
        "'{0}' of type '{1}' has no XDR form: see XdrStructAttribute for the types that have");

    public static readonly DiagnosticDescriptor MissingLimit = Error(
        "WH0003",
        "List has no limit",
        "'{0}' needs [XdrMax(n)]: a length without a limit lets a peer decide how much we allocate");

    public static readonly DiagnosticDescriptor MisplacedLimit = Error(
        "WH0004",
        "Limit does not fit the field",
        "'{0}' of type '{1}' cannot carry this limit: [XdrMax] is for strings, opaques and lists, [XdrChars] for strings, and each must be positive");

    public static readonly DiagnosticDescriptor ProgramShape = Error(
        "WH0005",
        "RPC program has the wrong shape",
        "'{0}' must be a partial class, directly in a namespace and not generic");

    public static readonly DiagnosticDescriptor ProgramTable = Error(
        "WH0006",
        "RPC program has no procedure table",
        "'{0}' names '{1}', which is not marked [ProcedureTable]");

    public static readonly DiagnosticDescriptor HandlerShape = Error(
        "WH0007",
        "Procedure handler has the wrong shape",
        "'{0}' must be 'ValueTask<TRet> Name(ServerCall call, TArgs args, CancellationToken ct)', where args and the result may be absent");

    public static readonly DiagnosticDescriptor DuplicateProcedure = Error(
        "WH0008",
        "Procedure has two handlers",
        "Procedure {0} is already handled by '{1}'");

    public static readonly DiagnosticDescriptor UnknownProcedure = Error(
        "WH0009",
        "Procedure is not in the table",
        "Procedure {0} is not one of '{1}'");

    public static readonly DiagnosticDescriptor TableShape = Error(
        "WH0010",
        "Procedure table has the wrong shape",
        "'{0}' must be a static partial class, directly in a namespace");

    private static DiagnosticDescriptor Error(string id, string title, string message) =>
        new(id, title, message, "Wherry.Wire", DiagnosticSeverity.Error, isEnabledByDefault: true);
}
