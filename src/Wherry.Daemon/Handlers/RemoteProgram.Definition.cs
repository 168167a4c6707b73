using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// Stored definitions and the XML that clients see.
internal sealed partial class RemoteProgram
{
    private const uint DefineValidate = 1;
    private const uint UndefineNvram = 4, UndefineKeepNvram = 8, UndefineTpm = 32, UndefineKeepTpm = 64;
    private const uint UndefineKnown = 0x7f; // those, and the ones for managed save, snapshots and checkpoints, none of which our domains have

    [Procedure(RemoteProcedure.DomainDefineXml)]
    private async ValueTask<DomainDefineXmlRet> DomainDefineXml(ServerCall call, DomainDefineXmlArgs args, CancellationToken ct)
    {
        Client(call);
        return new DomainDefineXmlRet(Name(await Driver.DefineAsync(args.Xml, ct)));
    }

    [Procedure(RemoteProcedure.DomainDefineXmlFlags)]
    private async ValueTask<DomainDefineXmlFlagsRet> DomainDefineXmlFlags(ServerCall call, DomainDefineXmlFlagsArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, DefineValidate, "qemuDomainDefineXMLFlags");
        return new DomainDefineXmlFlagsRet(Name(await Driver.DefineAsync(args.Xml, ct)));
    }

    [Procedure(RemoteProcedure.DomainUndefine)]
    private async ValueTask DomainUndefine(ServerCall call, DomainUndefineArgs args, CancellationToken ct) =>
        await Driver.UndefineAsync(Domain(call, args.Dom), NvramFate.Refuse, Owner("DomainUndefine"), ct);

    [Procedure(RemoteProcedure.DomainUndefineFlags)]
    private async ValueTask DomainUndefineFlags(ServerCall call, DomainUndefineFlagsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, UndefineKnown, "qemuDomainUndefineFlags");
        if (Has(args.Flags, UndefineNvram) && Has(args.Flags, UndefineKeepNvram))
            throw new WherryException(ErrorCode.OperationInvalid, "cannot both keep and delete nvram");
        if (Has(args.Flags, UndefineTpm) && Has(args.Flags, UndefineKeepTpm))
            throw new WherryException(ErrorCode.OperationInvalid, "cannot both keep and delete TPM");
        var nvram = Has(args.Flags, UndefineNvram) ? NvramFate.Remove : Has(args.Flags, UndefineKeepNvram) ? NvramFate.Keep : NvramFate.Refuse;
        await Driver.UndefineAsync(Domain(call, args.Dom), nvram, Owner("DomainUndefineFlags"), ct);
    }

    [Procedure(RemoteProcedure.DomainGetXmlDesc)]
    private ValueTask<DomainGetXmlDescRet> DomainGetXmlDesc(ServerCall call, DomainGetXmlDescArgs args, CancellationToken ct)
    {
        const DomainXmlFlags known = DomainXmlFlags.Secure | DomainXmlFlags.Inactive | DomainXmlFlags.UpdateCpu | DomainXmlFlags.Migratable;
        var domain = Domain(call, args.Dom);
        var flags = (DomainXmlFlags)args.Flags;
        if (call.Session.IsReadOnly && (flags & (DomainXmlFlags.Secure | DomainXmlFlags.Migratable)) != 0)
            throw new WherryException(ErrorCode.OperationDenied, "virDomainGetXMLDesc with secure flag", ErrorDomain.Domain);
        CheckFlags(args.Flags, (uint)known, "qemuDomainGetXMLDesc");
        var snapshot = domain.Snapshot;
        var definition = flags.HasFlag(DomainXmlFlags.Inactive) ? snapshot.Config ?? snapshot.Definition : snapshot.Definition;
        return new(new DomainGetXmlDescRet(definition.Document.ToXml(flags)));
    }

    [Procedure(RemoteProcedure.DomainGetAutostart)]
    private ValueTask<DomainGetAutostartRet> DomainGetAutostart(ServerCall call, DomainGetAutostartArgs args, CancellationToken ct) =>
        new(new DomainGetAutostartRet(Domain(call, args.Dom).Snapshot.Autostart ? 1 : 0));

    [Procedure(RemoteProcedure.DomainSetAutostart)]
    private async ValueTask DomainSetAutostart(ServerCall call, DomainSetAutostartArgs args, CancellationToken ct) =>
        await Driver.SetAutostartAsync(Domain(call, args.Dom), args.Autostart != 0, ct);

    [Procedure(RemoteProcedure.DomainHasManagedSaveImage)]
    private ValueTask<DomainHasManagedSaveImageRet> DomainHasManagedSaveImage(
        ServerCall call, DomainHasManagedSaveImageArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainHasManagedSaveImage");
        Domain(call, args.Dom);
        return new(new DomainHasManagedSaveImageRet(0));
    }

    [Procedure(RemoteProcedure.DomainSnapshotNum)]
    private ValueTask<DomainSnapshotNumRet> DomainSnapshotNum(ServerCall call, DomainSnapshotNumArgs args, CancellationToken ct)
    {
        Domain(call, args.Dom);
        return new(new DomainSnapshotNumRet(0));
    }

    [Procedure(RemoteProcedure.DomainListAllSnapshots)]
    private ValueTask<DomainListAllSnapshotsRet> DomainListAllSnapshots(ServerCall call, DomainListAllSnapshotsArgs args, CancellationToken ct)
    {
        Domain(call, args.Dom);
        return new(new DomainListAllSnapshotsRet([], 0));
    }
}
