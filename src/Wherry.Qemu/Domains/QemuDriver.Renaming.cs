using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Firmware;

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
        var document = config.Document.WithName(name);
        // Stock leaves them under the old name, where the next guest of that name finds them.
        if (config.Spec.Os.Nvram.Path == _files.NvramOf(now.Name))
            document = document.WithNvram(_files.NvramOf(name));
        var renamed = new DomainDefinition(document);
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

    /// <summary>
    /// The old files go when all new ones are there: whenever the host dies, one definition is found, and beside it the guest's variables.
    /// </summary>
    private async Task RenameFilesAsync(DomainSnapshot old, DomainDefinition renamed, CancellationToken ct)
    {
        var variables = VariablesToMove(old, renamed);
        await WriteDefinitionAsync(renamed, ct);
        try
        {
            await Task.Run(() => MakeNewFiles(old, renamed.Spec.Name, variables), ct);
        }
        catch (Exception e)
        {
            if (variables is { } made)
                NvramFile.Remove(made.To);
            if (e is IOException or UnauthorizedAccessException)
                throw new WherryException(ErrorCode.SystemError, $"cannot remove config for {old.Name}: {e.Message}", inner: e);
            throw;
        }

        try
        {
            if (old.Autostart)
                _files.SetAutostart(old.Name, false);
            if (variables is { } moved)
                NvramFile.Remove(moved.From);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or WherryException)
        {
            DomainLog.RunFilesRemain(_logger, old.Name, e.Message);
        }
    }

    private void MakeNewFiles(DomainSnapshot old, string name, (string From, string To)? variables)
    {
        if (variables is { } to)
            NvramFile.Copy(to.From, to.To);
        if (old.Autostart)
            _files.SetAutostart(name, true);
        _files.Definitions.Delete(old.Name);
    }

    /// <summary>UEFI variables that go by the domain's name; null where there are none.</summary>
    /// <exception cref="WherryException">OPERATION_INVALID: there are some under the new name, which are another guest's.</exception>
    private (string From, string To)? VariablesToMove(DomainSnapshot old, DomainDefinition renamed)
    {
        var (from, to) = (_files.NvramOf(old.Name), _files.NvramOf(renamed.Spec.Name));
        if (NvramOf(renamed.Spec) != to || !File.Exists(from))
            return null;
        return !File.Exists(to)
            ? (from, to)
            : throw new WherryException(ErrorCode.OperationInvalid, $"cannot rename '{old.Name}': '{to}' has another guest's nvram");
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
