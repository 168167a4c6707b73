using Microsoft.CodeAnalysis;

namespace Wherry.Wire.Tests.Generator;

public sealed class GeneratorTests
{
    private const string Table = """
        namespace Test;

        [ProcedureTable]
        public static partial class Table
        {
            public const uint Program = 7;
            public const uint Version = 1;
            [Traits(ReadOnly = true, Priority = true)] public const int Ask = 1;
            [Traits(Api = "virTellXML")] public const int Tell = 2;
        }

        [XdrStruct] public readonly partial record struct AskArgs(string Question);
        [XdrStruct] public readonly partial record struct AskRet(string? Answer);
        """;

    private static void CheckRefusal(string source, params string[] refusals) => Assert.Equal(refusals, new GeneratorRun(source).Refusals);

    [Fact]
    public void Every_form_of_a_field_compiles()
    {
        var run = new GeneratorRun("""
            namespace Some.Place;

            public enum Colour { Red = 1 }

            [XdrStruct] internal readonly partial record struct Inner(int Number);

            [XdrStruct]
            internal readonly partial record struct Outer(
                int A, uint B, long C, ulong D, bool E, double F, byte G, ushort H, string I, string? J, Guid K, Colour L, Inner M, Inner? N,
                [XdrMax(9)] string O, [XdrMax(9)] ImmutableArray<byte> P, [XdrMax(9)] ImmutableArray<int> Q, [XdrMax(9)] ImmutableArray<uint> R,
                [XdrMax(9)] ImmutableArray<ulong> S, [XdrMax(9)] ImmutableArray<string> T, [XdrMax(9)] ImmutableArray<Colour> U,
                [XdrMax(9)] ImmutableArray<Inner> V, [XdrChars(9)] string W, [XdrChars(9, Fixed = true)] string X,
                TypedParameterValue Y, [XdrMax(9)] ImmutableArray<NonnullDomain> Z);
            """);

        Assert.Empty(run.Refusals);
        Assert.Empty(run.CompilerErrors);
    }

    [Fact]
    public void A_program_gets_its_dispatch_with_the_traits_of_the_table()
    {
        var run = new GeneratorRun($$"""
            {{Table}}

            [RpcProgram(typeof(Table))]
            internal sealed partial class Answers
            {
                [Procedure(Table.Ask)]
                private ValueTask<AskRet> Ask(ServerCall call, AskArgs args, CancellationToken ct) => default;
            }

            internal sealed partial class Answers
            {
                [Procedure(Table.Tell)]
                private static async ValueTask Tell(ServerCall call, CancellationToken ct) => await Task.Yield();
            }
            """);

        Assert.Empty(run.Refusals);
        Assert.Empty(run.CompilerErrors);
        var dispatch = run.Result.GeneratedTrees.Single(tree => tree.FilePath.EndsWith("Answers.Dispatch.g.cs", StringComparison.Ordinal)).ToString();
        Assert.Contains("Table.Ask => new(AllowReadOnly: true, Priority: true, BeforeAuth: false, ApiName: \"virAsk\")", dispatch, StringComparison.Ordinal);
        Assert.Contains("Table.Tell => new(AllowReadOnly: false, Priority: false, BeforeAuth: false, ApiName: \"virTellXML\")", dispatch, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("public readonly record struct S(int A);")]
    [InlineData("public partial record struct S(int A);")]
    [InlineData("public readonly partial record struct S;")]
    [InlineData("public readonly partial struct S;")]
    [InlineData("public readonly partial record struct S<T>(int A);")]
    public void A_struct_of_another_shape_is_refused(string declaration) => CheckRefusal(
        $"namespace Test; [XdrStruct] {declaration}",
        "WH0001 'S' must be a 'readonly partial record struct', directly in a namespace, whose primary constructor lists the fields in wire order");

    [Theory]
    [InlineData("DateTime A", "WH0002 'A' of type 'System.DateTime' has no XDR form: see XdrStructAttribute for the types that have")]
    [InlineData("int? A", "WH0002 'A' of type 'int?' has no XDR form: see XdrStructAttribute for the types that have")]
    [InlineData("ImmutableArray<byte> A", "WH0003 'A' needs [XdrMax(n)]: a length without a limit lets a peer decide how much we allocate")]
    [InlineData("[XdrMax(0)] string A", "WH0004 'A' of type 'string' cannot carry this limit: [XdrMax] is for strings, opaques and lists, [XdrChars] for strings, and each must be positive")]
    [InlineData("[XdrMax(9)] int A", "WH0004 'A' of type 'int' cannot carry this limit: [XdrMax] is for strings, opaques and lists, [XdrChars] for strings, and each must be positive")]
    [InlineData("[XdrChars(9)] int A", "WH0004 'A' of type 'int' cannot carry this limit: [XdrMax] is for strings, opaques and lists, [XdrChars] for strings, and each must be positive")]
    public void A_field_without_a_form_is_refused_by_name(string field, string refusal) =>
        CheckRefusal($"namespace Test; [XdrStruct] public readonly partial record struct S({field});", refusal);

    [Theory]
    [InlineData("class Answers;", "WH0005 'Answers' must be a partial class, directly in a namespace and not generic")]
    [InlineData("partial class Answers<T>;", "WH0005 'Answers' must be a partial class, directly in a namespace and not generic")]
    public void A_program_of_another_shape_is_refused(string declaration, string refusal) =>
        CheckRefusal($"{Table} [RpcProgram(typeof(Table))] {declaration}", refusal);

    [Fact]
    public void A_program_without_a_table_is_refused() =>
        CheckRefusal("namespace Test; [RpcProgram(typeof(string))] partial class Answers;", "WH0006 'Answers' names 'String', which is not marked [ProcedureTable]");

    [Theory]
    [InlineData("[Procedure(1)] Task A(ServerCall call, CancellationToken ct) => null!;")]
    [InlineData("[Procedure(1)] ValueTask A(ServerCall call) => default;")]
    [InlineData("[Procedure(1)] ValueTask A(AskArgs args, CancellationToken ct) => default;")]
    [InlineData("[Procedure(1)] ValueTask A(ServerCall call, string args, CancellationToken ct) => default;")]
    [InlineData("[Procedure(1)] ValueTask A(ServerCall call, in AskArgs args, CancellationToken ct) => default;")]
    public void A_handler_of_another_shape_is_refused(string method) => CheckRefusal(
        $"{Table} [RpcProgram(typeof(Table))] partial class Answers {{ {method} }}",
        "WH0007 'A' must be 'ValueTask<TRet> Name(ServerCall call, TArgs args, CancellationToken ct)', where args and the result may be absent");

    [Fact]
    public void Two_handlers_of_one_procedure_are_refused() => CheckRefusal(
        $$"""
        {{Table}}
        [RpcProgram(typeof(Table))]
        partial class Answers
        {
            [Procedure(Table.Ask)] ValueTask A(ServerCall call, CancellationToken ct) => default;
            [Procedure(Table.Ask)] ValueTask B(ServerCall call, CancellationToken ct) => default;
        }
        """,
        "WH0008 Procedure 1 is already handled by 'A'");

    [Fact]
    public void A_procedure_that_the_table_lacks_is_refused() => CheckRefusal(
        $$"""{{Table}} [RpcProgram(typeof(Table))] partial class Answers { [Procedure(3)] ValueTask A(ServerCall call, CancellationToken ct) => default; }""",
        "WH0009 Procedure 3 is not one of 'Table'");

    [Theory]
    [InlineData("namespace Test; [ProcedureTable] public partial class Table;")]
    [InlineData("namespace Test; [ProcedureTable] public static class Table;")]
    [InlineData("[ProcedureTable] public static partial class Table;")]
    public void A_table_of_another_shape_is_refused(string source) =>
        CheckRefusal(source, "WH0010 'Table' must be a static partial class, directly in a namespace");

    [Fact]
    public void A_change_elsewhere_generates_nothing_anew()
    {
        var run = new GeneratorRun($"{Table} [RpcProgram(typeof(Table))] partial class Answers;");

        var reasons = run.RunAgainWith("class Elsewhere;").ToList();

        Assert.NotEmpty(reasons);
        Assert.All(reasons, reason => Assert.Equal(IncrementalStepRunReason.Cached, reason));
    }
}
