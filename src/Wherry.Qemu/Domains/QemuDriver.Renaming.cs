using Wherry.Xml;
using Wherry.Qemu.Domains.Jobs;

namespace Wherry.Qemu.Domains;

// virsh domrename. The name is in the stored XML, in the names of files, and in the registry; both names lead to the domain until the
// new files are durable. A crash in between leaves two files of one UUID: the next daemon takes the first and reports the other.
public sealed partial class QemuDriver
{
    /// <exception cref="WherryException">OperationInvalid: it runs, is transient, or the name is taken; XmlError: not a name.</exception>
    public async Task RenameAsync(Domain domain, string name, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        using var turn = await domain.DefineAloneAsync(ct);
        var now = domain.Snapshot;
        if (now.IsActive)
            throw new WherryException(ErrorCode.OperationInvalid, "cannot rename active domain");
        var config = now.Config ?? throw new WherryException(ErrorCode.OperationInvalid, "cannot rename a transient domain");
        if (now.Name == name)
            throw new WherryException(ErrorCode.OperationInvalid, "Can't rename domain to itself", ErrorDomain.Domain);
        var renamed = new DomainDefinition(config.Document.WithName(name));
        Domains.AddName(domain, name);
        try
        {
            if (name.Contains('/', StringComparison.Ordinal))
                throw new WherryException(ErrorCode.XmlError, $"name {name} cannot contain '/'");
            await RenameFilesAsync(now, renamed, ct);
        }
        catch
        {
            Domains.RemoveName(domain, name);
            ForgetFiles(name);
            throw;
        }
        domain.Announce(new DomainEvent.Lifecycle(LifecycleEvent.Renamed(LifecycleEventType.Undefined)));
        domain.Change(old => old with { Name = name, Config = renamed });
        domain.Announce(new DomainEvent.Lifecycle(LifecycleEvent.Renamed(LifecycleEventType.Defined)));
        Domains.RemoveName(domain, now.Name);
        DomainLog.Renamed(_logger, now.Name, name, domain.Uuid);
    }

    private async Task RenameFilesAsync(DomainSnapshot old, DomainDefinition renamed, CancellationToken ct)
    {
        await WriteDefinitionAsync(renamed, ct);
        try
        {
            await Task.Run(
                () =>
                {
                    if (old.Autostart)
                    {
                        _files.SetAutostart(renamed.Spec.Name, true);
                        _files.SetAutostart(old.Name, false);
                    }
                    // Where the definition does not say where the guest's variables are, they go by its name.
                    if (renamed.Spec.Os is { Firmware: FirmwareKind.Efi, Nvram.Path: null } && File.Exists(_files.NvramOf(old.Name)))
                        File.Move(_files.NvramOf(old.Name), _files.NvramOf(renamed.Spec.Name), overwrite: false);
                    _files.Definitions.Delete(old.Name);
                },
                ct);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, $"cannot remove config for {old.Name}: {e.Message}", inner: e);
        }
    }

    /// <summary>After a failure: what is left of the attempt would be found at the next start, beside the definition that still counts.</summary>
    private void ForgetFiles(string name)
    {
        if (name.Contains('/', StringComparison.Ordinal))
            return;
        try
        {
            _files.SetAutostart(name, false);
            _files.Definitions.Delete(name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            DomainLog.RunFilesRemain(_logger, name, e.Message);
        }
    }
}
