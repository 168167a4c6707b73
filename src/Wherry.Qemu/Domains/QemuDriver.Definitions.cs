using System.Text;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Firmware;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// Stored definitions: define, undefine, autostart.
public sealed partial class QemuDriver
{
    /// <summary>virsh define: stores a definition. A running domain goes on as it is; the next start uses the new one.</summary>
    /// <exception cref="WherryException">XML errors with the path; OperationFailed when name or UUID is another domain's.</exception>
    public async Task<Domain> DefineAsync(string xml, CancellationToken ct)
    {
        var definition = await CompleteAsync(xml, newDomain: true, ct);
        var (name, uuid) = (definition.Spec.Name, definition.Spec.Uuid);
        var domain = Domains.GetOrAdd(name, uuid, () => NewDomain(new DomainSnapshot { Name = name, Uuid = uuid }), out var added);
        try
        {
            await PersistAsync(domain, definition, ct);
            return domain;
        }
        catch when (added)
        {
            Domains.Remove(domain);
            throw;
        }
    }

    /// <summary>Makes a domain persistent, or replaces its definition; announced when it is on disk.</summary>
    public async Task PersistAsync(Domain domain, DomainDefinition definition, CancellationToken ct)
    {
        using var turn = await domain.DefineAloneAsync(ct);
        // A transient one may have ended since it was looked up; with a definition it has something to live for.
        if (Domains.GetOrAdd(domain.Name, domain.Uuid, () => domain, out _) != domain)
            throw DomainRefusals.Vanished(domain);
        await WriteDefinitionAsync(definition, ct);
        var detail = domain.Snapshot.IsPersistent ? DefinedDetail.Updated : DefinedDetail.Added;
        domain.Apply(new DomainInput.Defined(detail), now => now with { Config = definition });
        DomainLog.Defined(_logger, domain.Name, domain.Uuid);
    }

    /// <summary>virsh undefine: waits for what else is done to the domain, and is refused while it migrates, which may still need its definition.</summary>
    /// <param name="domain">Whose definition.</param>
    /// <param name="nvram">What becomes of the UEFI variables that the guest has.</param>
    /// <param name="owner">Who asks, for those who have to wait.</param>
    /// <param name="ct">Stops waiting.</param>
    /// <exception cref="WherryException">OperationTimeout: that takes too long.</exception>
    public async Task UndefineAsync(Domain domain, NvramFate nvram, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        await UndefineAsync(domain, nvram, ct);
    }

    /// <summary>Removes the stored definition. A running domain becomes transient.</summary>
    /// <param name="nvram">What becomes of the UEFI variables that the guest has.</param>
    public async Task UndefineAsync(Domain domain, NvramFate nvram, CancellationToken ct)
    {
        using var turn = await domain.DefineAloneAsync(ct);
        try
        {
            if (!domain.Snapshot.IsPersistent)
                throw new WherryException(ErrorCode.OperationInvalid, "cannot undefine transient domain");
            var variables = NvramOf(domain.Snapshot.Definition.Spec);
            await Task.Run(() =>
            {
                if (variables is not null && File.Exists(variables))
                {
                    if (nvram == NvramFate.Refuse)
                        throw new WherryException(ErrorCode.OperationInvalid, "cannot undefine domain with nvram");
                    if (nvram == NvramFate.Remove)
                        NvramFile.Remove(variables);
                }

                _files.SetAutostart(domain.Name, false);
                _files.Definitions.Delete(domain.Name);
            }, ct);
            if (!domain.Snapshot.IsActive)
                Domains.Remove(domain);
            domain.Apply(new DomainInput.Undefined(), now => now with { Config = null, Autostart = false });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, $"cannot remove config for {domain.Name}: {e.Message}", inner: e);
        }
        DomainLog.Undefined(_logger, domain.Name, domain.Uuid);
    }

    /// <summary>Where a guest's UEFI variables are, or will be; null for one that has none.</summary>
    private string? NvramOf(DomainSpec spec) => spec.Os.LeavesNvramToHost ? NvramOf(spec.Name) : spec.Os.Nvram.Path;

    /// <summary>Where this host keeps the UEFI variables of a guest of that name whose definition does not say.</summary>
    internal string NvramOf(string name) => _files.NvramOf(name);

    public async Task SetAutostartAsync(Domain domain, bool autostart, CancellationToken ct)
    {
        using var turn = await domain.DefineAloneAsync(ct);
        if (!domain.Snapshot.IsPersistent)
            throw new WherryException(ErrorCode.OperationInvalid, "cannot set autostart for transient domain");
        if (domain.Snapshot.Autostart == autostart)
            return;
        await Task.Run(() => _files.SetAutostart(domain.Name, autostart), ct);
        domain.Change(now => now with { Autostart = autostart });
    }

    /// <summary>Changes what is inert in a domain's XML (title, description, metadata), in the running document, the stored one, or both.</summary>
    /// <exception cref="WherryException">OperationInvalid: the domain does not have a document that was asked for.</exception>
    public async Task ChangeDocumentsAsync(
        Domain domain, Affect affect, Func<DomainDocument, DomainDocument> change, DomainEvent announce, string owner, CancellationToken ct)
    {
        await ModifyAsync(domain, affect, owner, _ => Task.FromResult(DocumentChanges.Both(change)), ct);
        domain.Announce(announce);
    }

    /// <summary>Reads a client's XML and adds what libvirt would add.</summary>
    /// <param name="newDomain">False for XML that describes a guest which exists elsewhere.</param>
    public async Task<DomainDefinition> CompleteAsync(string xml, bool newDomain, CancellationToken ct)
    {
        var document = DomainDocument.Parse(xml);
        return new DomainDefinition(document.Complete(await ForCompletionAsync(document.Emulator, newDomain, ct)));
    }

    private async Task<CompletionContext> ForCompletionAsync(string? emulator, bool newDomain, CancellationToken ct) =>
        await _emulators.ForCompletionAsync(emulator, newDomain, ct) with { NvramPath = _files.NvramOf };

    private async Task WriteDefinitionAsync(DomainDefinition definition, CancellationToken ct)
    {
        var text = definition.Document.ToXml(DomainXmlFlags.Secure);
        try
        {
            await _files.Definitions.WriteAsync(definition.Spec.Name, Encoding.UTF8.GetBytes(text), ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(
                ErrorCode.SystemError, $"cannot write config file '{_files.Definitions.PathOf(definition.Spec.Name)}': {e.Message}", inner: e);
        }

        definition.Document.Pack();
    }
}
