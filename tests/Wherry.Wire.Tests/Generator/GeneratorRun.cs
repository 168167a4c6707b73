using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Wherry.Rpc;
using Wherry.Wire.Generator.Codecs;
using Wherry.Wire.Generator.Dispatch;
using Wherry.Wire.Generator.Procedures;

namespace Wherry.Wire.Tests.Generator;

/// <summary>Compiles a source with all our generators against the real Wherry.Wire and Wherry.Rpc.</summary>
internal sealed class GeneratorRun
{
    private const string Usings = """
        global using System;
        global using System.Collections.Immutable;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Wherry.Rpc;
        global using Wherry.Wire.Procedures;
        global using Wherry.Wire.Remote;
        global using Wherry.Wire.Xdr;
        """;

    private static readonly ImmutableArray<MetadataReference> References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(':')
            .Append(typeof(ServerCall).Assembly.Location)
            .Distinct(StringComparer.Ordinal)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private GeneratorDriver _driver;
    private CSharpCompilation _compilation;

    public GeneratorRun(string source)
    {
        _compilation = CSharpCompilation.Create(
            "Generated",
            [CSharpSyntaxTree.ParseText(Usings), CSharpSyntaxTree.ParseText(source)],
            References,
            new(OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable));
        _driver = CSharpGeneratorDriver.Create(
            [new CodecGenerator().AsSourceGenerator(), new ProcedureTableGenerator().AsSourceGenerator(), new DispatchGenerator().AsSourceGenerator()],
            driverOptions: new(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));
        _driver = _driver.RunGenerators(_compilation);
    }

    public GeneratorDriverRunResult Result => _driver.GetRunResult();

    /// <summary>What the generators refused: "WH0002 message" each.</summary>
    public IEnumerable<string> Refusals => Result.Diagnostics.Select(diagnostic => $"{diagnostic.Id} {diagnostic.GetMessage()}");

    /// <summary>What the compiler says about the source and the generated code together.</summary>
    public IEnumerable<string> CompilerErrors => _compilation.AddSyntaxTrees(Result.GeneratedTrees).GetDiagnostics()
        .Where(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning)
        .Select(diagnostic => diagnostic.ToString());

    /// <summary>Runs again with a file more, and returns what each output step did.</summary>
    public IEnumerable<IncrementalStepRunReason> RunAgainWith(string source)
    {
        _compilation = _compilation.AddSyntaxTrees(CSharpSyntaxTree.ParseText(source));
        _driver = _driver.RunGenerators(_compilation);
        return Result.Results
            .SelectMany(result => result.TrackedOutputSteps)
            .SelectMany(step => step.Value)
            .SelectMany(run => run.Outputs)
            .Select(output => output.Reason);
    }
}
