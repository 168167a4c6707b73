namespace Wherry.Qemu.Domains;

/// <summary>What many calls answer for a domain that is not in the state they need, in libvirt's words.</summary>
public static class DomainRefusals
{
    public static WherryException NotRunning() => new(ErrorCode.OperationInvalid, "domain is not running", ErrorDomain.Domain);

    /// <exception cref="WherryException">OperationInvalid: it does not run.</exception>
    internal static void RequireActive(Domain domain)
    {
        if (!domain.Snapshot.IsActive)
            throw NotRunning();
    }

    public static WherryException NoStoredDefinition() =>
        new(ErrorCode.OperationInvalid, "transient domains do not have any persistent config", ErrorDomain.Domain);

    /// <summary>For a call that had looked the domain up before it was forgotten.</summary>
    internal static WherryException Vanished(Domain domain) =>
        new(ErrorCode.NoDomain, $"no domain with matching uuid '{domain.Uuid}' ({domain.Name})");
}
