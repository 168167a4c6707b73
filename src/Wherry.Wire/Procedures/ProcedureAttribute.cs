namespace Wherry.Wire.Procedures;

/// <summary>
/// Marks the method that answers a procedure, in a class marked <see cref="RpcProgramAttribute"/>. Its shape is
/// <c>ValueTask&lt;TRet&gt; Name(ServerCall call, TArgs args, CancellationToken ct)</c>. A procedure without arguments has no <c>args</c>,
/// one without a result returns <c>ValueTask</c>. Whether a read-only connection may call it, and its priority, come from the
/// table (<see cref="TraitsAttribute"/>).
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ProcedureAttribute(int number) : Attribute
{
    public int Number => number;
}
