using Wherry.Qemu.Domains.Jobs;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// Changes of what runs, of what is stored, or of both: the rules that libvirt's live and config flags stand for.
public sealed partial class QemuDriver
{
    /// <summary>Runs one change under the domain's turn.</summary>
    /// <param name="affect">Which of the two the caller means.</param>
    /// <param name="owner">The API, for the text of somebody else's time-out.</param>
    /// <param name="act">
    /// Checks everything, then tells QEMU; what it throws leaves both documents as they were. What it returns is applied to the documents as
    /// they are then: QEMU's events may have changed the running one meanwhile.
    /// </param>
    /// <exception cref="WherryException">OperationInvalid: the domain does not have what was asked for.</exception>
    private async Task ModifyAsync(Domain domain, Affect affect, string owner, Func<AffectedDefinitions, Task<DocumentChanges>> act, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        using var turn = await domain.DefineAloneAsync(ct);
        var affected = Resolve(domain, affect);
        var changes = await act(affected);
        if (affected.Config is { } config && changes.Config is { } changeConfig)
        {
            var changed = new DomainDefinition(changeConfig(config.Document));
            // Not for the caller to cancel any more: QEMU may have been told.
            await WriteDefinitionAsync(changed, CancellationToken.None);
            domain.Change(now => now with { Config = changed });
        }
        if (affected.Live is not null && changes.Live is { } changeLive)
            domain.Change(now => now.Live is { } live ? now with { Live = new DomainDefinition(changeLive(live.Document)) } : now);
    }

    private static AffectedDefinitions Resolve(Domain domain, Affect affect)
    {
        var now = domain.Snapshot;
        var (live, config) = affect.In(now);
        return new AffectedDefinitions(live ? now.Live : null, config ? now.Config : null, live ? ActiveQemu(domain) : null);
    }

    /// <param name="Live">null: the running domain is not meant.</param>
    /// <param name="Config">null: the stored definition is not meant.</param>
    /// <param name="Qemu">As <paramref name="Live"/>.</param>
    private sealed record AffectedDefinitions(DomainDefinition? Live, DomainDefinition? Config, QemuInstance? Qemu);

    /// <summary>null: that document stays as it is.</summary>
    private sealed record DocumentChanges(Func<DomainDocument, DomainDocument>? Live, Func<DomainDocument, DomainDocument>? Config)
    {
        public static DocumentChanges Both(Func<DomainDocument, DomainDocument> change) => new(change, change);
    }
}
