namespace Wherry.Rpc;

/// <summary>What the dispatcher must know of a procedure before it calls it.</summary>
/// <param name="AllowReadOnly">May be called on a read-only session; otherwise such a call is refused with OPERATION_DENIED.</param>
/// <param name="Priority">
/// Starts even when the session's ordinary calls are all busy, so that an abort or a destroy never waits for what it has to end.
/// </param>
/// <param name="BeforeAuth">May be called before the session is authenticated (the AUTH_* procedures).</param>
/// <param name="ApiName">
/// libvirt's API name, as in "virDomainDestroy": the refusal of a read-only session names it. Null: the procedure's number is named.
/// </param>
public readonly record struct ProcedureTraits(bool AllowReadOnly, bool Priority, bool BeforeAuth = false, string? ApiName = null);
