namespace Wherry.Wire.Procedures;

/// <summary>
/// Marks a partial class whose <see cref="ProcedureAttribute"/> methods answer a program's calls; the generator makes it a
/// <c>Wherry.Rpc.IRpcProgram</c>. The class may have several parts, one file per kind of object:
/// <code>
/// [RpcProgram(typeof(RemoteProcedure))]
/// internal sealed partial class RemoteProgram(DomainRegistry domains);
///
/// internal sealed partial class RemoteProgram
/// {
///     [Procedure(RemoteProcedure.DomainGetState)]
///     private ValueTask&lt;DomainGetStateRet&gt; DomainGetState(ServerCall call, DomainGetStateArgs args, CancellationToken ct) =&gt; ...
/// }
/// </code>
/// The generated InvokeAsync decodes the arguments fully (and refuses bytes after them), calls the method, and encodes its result.
/// What the method throws is the dispatcher's to translate. A procedure without a method is unknown to the program.
/// The project needs Wherry.Wire.Generator as an analyzer.
/// </summary>
/// <param name="table">A class marked <see cref="ProcedureTableAttribute"/>.</param>
[AttributeUsage(AttributeTargets.Class)]
public sealed class RpcProgramAttribute(Type table) : Attribute
{
    public Type Table => table;
}
