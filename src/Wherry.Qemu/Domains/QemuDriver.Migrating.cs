namespace Wherry.Qemu.Domains;

// What migrations need beside the ordinary operations.
public sealed partial class QemuDriver
{
    /// <summary>The domain of a hand-over that an earlier daemon left behind, known to us otherwise or not.</summary>
    public Domain AddRecovered(string name, Guid uuid) =>
        Domains.GetOrAdd(name, uuid, () => NewDomain(new DomainSnapshot { Name = name, Uuid = uuid }), out _);

    /// <summary>Gives name and UUID back that <see cref="AddActive"/> took, unless the domain has something else to live for.</summary>
    public async Task ForgetUnlessUsedAsync(Domain domain)
    {
        using var turn = await domain.DefineAloneAsync(CancellationToken.None);
        if (domain.Snapshot is { IsActive: false, IsPersistent: false })
            Forget(domain);
    }
}
