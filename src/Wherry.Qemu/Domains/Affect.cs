namespace Wherry.Qemu.Domains;

/// <summary>libvirt's VIR_DOMAIN_AFFECT flags: which of a domain's two definitions a call means. Neither: the running one if there is one,
/// else the stored one.</summary>
public readonly record struct Affect(bool Live, bool Config)
{
    /// <summary>The definitions that a change concerns, one or both.</summary>
    /// <exception cref="WherryException">OperationInvalid: the domain does not have one that was asked for.</exception>
    public Affect In(DomainSnapshot now)
    {
        if (Live && !now.IsActive)
            throw DomainRefusals.NotRunning();
        if (Config && !now.IsPersistent)
            throw DomainRefusals.NoStoredDefinition();
        return Live || Config ? this : new Affect(Live: now.IsActive, Config: !now.IsActive);
    }

    /// <summary>The one definition that a reader means.</summary>
    /// <exception cref="WherryException">As <see cref="In"/>.</exception>
    public DomainDefinition Of(DomainSnapshot now)
    {
        var meant = In(now);
        return (meant.Live ? now.Live : now.Config) ?? now.Definition;
    }
}
