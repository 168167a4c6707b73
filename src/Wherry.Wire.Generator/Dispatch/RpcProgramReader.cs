using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Wherry.Wire.Generator.Procedures;

namespace Wherry.Wire.Generator.Dispatch;

/// <summary>Checks a [RpcProgram] class and its [Procedure] methods against each other and the table.</summary>
internal sealed class RpcProgramReader(INamedTypeSymbol program)
{
    private readonly List<DiagnosticRecord> _diagnostics = [];
    private readonly Dictionary<int, ProcedureHandler> _handlers = [];

    public RpcProgramModel Read(AttributeData attribute)
    {
        var table = attribute.ConstructorArguments.FirstOrDefault().Value as INamedTypeSymbol;
        if (program is not { ContainingType: null, ContainingNamespace.IsGlobalNamespace: false, IsGenericType: false } || !IsPartial())
            Report(DiagnosticDescriptors.ProgramShape, program, program.Name);
        else if (table is null || !ProcedureTables.IsTable(table))
            Report(DiagnosticDescriptors.ProgramTable, program, program.Name, table?.Name ?? "nothing");
        else
            ReadHandlers(table);

        return new(
            program.ContainingNamespace.ToDisplayString(),
            program.Name,
            table?.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat) ?? "",
            new(_handlers.Values.OrderBy(handler => handler.Procedure.Number)),
            new(_diagnostics));
    }

    private void ReadHandlers(INamedTypeSymbol table)
    {
        var procedures = ProcedureTables.Procedures(table).ToDictionary(entry => entry.Number);
        foreach (var method in program.GetMembers().OfType<IMethodSymbol>())
        {
            var attribute = method.GetAttributes().FirstOrDefault(
                candidate => candidate.AttributeClass?.ToDisplayString() == KnownNames.Procedure);
            if (attribute?.ConstructorArguments.FirstOrDefault().Value is not int number)
                continue;
            if (!procedures.TryGetValue(number, out var procedure))
                Report(DiagnosticDescriptors.UnknownProcedure, method, number.ToString(), table.Name);
            else if (_handlers.TryGetValue(number, out var earlier))
                Report(DiagnosticDescriptors.DuplicateProcedure, method, number.ToString(), earlier.Method);
            else if (Shape(method, procedure) is { } handler)
                _handlers.Add(number, handler);
            else
                Report(DiagnosticDescriptors.HandlerShape, method, method.Name);
        }
    }

    // ValueTask or ValueTask<TRet>, (ServerCall, CancellationToken) or (ServerCall, TArgs, CancellationToken).
    private static ProcedureHandler? Shape(IMethodSymbol method, ProcedureEntry procedure)
    {
        var parameters = method.Parameters;
        if (method.IsGenericMethod
            || method.ReturnType is not INamedTypeSymbol { Name: "ValueTask" } result
            || parameters.Length is not (2 or 3)
            || parameters.Any(parameter => parameter.RefKind != RefKind.None)
            || parameters[0].Type.ToDisplayString() != KnownNames.ServerCall
            || parameters[parameters.Length - 1].Type.ToDisplayString() != "System.Threading.CancellationToken")
            return null;
        var arguments = parameters.Length == 3 ? parameters[1].Type : null;
        return arguments is { IsValueType: false }
            ? null
            : new(method.Name, procedure, arguments?.ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat), result.IsGenericType);
    }

    private bool IsPartial() =>
        program.DeclaringSyntaxReferences[0].GetSyntax() is ClassDeclarationSyntax declaration
        && declaration.Modifiers.Any(SyntaxKind.PartialKeyword);

    private void Report(DiagnosticDescriptor descriptor, ISymbol where, params string[] arguments) =>
        _diagnostics.Add(DiagnosticRecord.Create(descriptor, where, arguments));
}
