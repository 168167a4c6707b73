using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Host;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// What a domain is and does, from its snapshot.
internal sealed partial class RemoteProgram
{
    private const uint AffectLive = 1, AffectConfig = 2, VcpuMaximum = 4, VcpuGuest = 8;

    [Procedure(RemoteProcedure.DomainGetInfo)]
    private ValueTask<DomainGetInfoRet> DomainGetInfo(ServerCall call, DomainGetInfoArgs args, CancellationToken ct)
    {
        var domain = Domain(call, args.Dom);
        var snapshot = domain.Snapshot;
        var spec = snapshot.Definition.Spec;
        var cpuTime = domain.Qemu is { } qemu && ProcessUsage.Read(qemu.Process.Pid) is { } usage ? usage.Total : TimeSpan.Zero;
        return new(new DomainGetInfoRet(
            (byte)snapshot.Status.State,
            spec.Memory.KiB,
            spec.CurrentMemory.KiB,
            (ushort)spec.Vcpu.Current,
            (ulong)cpuTime.TotalNanoseconds));
    }

    [Procedure(RemoteProcedure.DomainGetState)]
    private ValueTask<DomainGetStateRet> DomainGetState(ServerCall call, DomainGetStateArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainGetState");
        var status = Domain(call, args.Dom).Snapshot.Status;
        return new(new DomainGetStateRet((int)status.State, status.Reason));
    }

    [Procedure(RemoteProcedure.DomainGetControlInfo)]
    private ValueTask<DomainGetControlInfoRet> DomainGetControlInfo(ServerCall call, DomainGetControlInfoArgs args, CancellationToken ct)
    {
        const uint ok = 0, job = 1, occupied = 2, error = 3;
        CheckFlags(args.Flags, 0, "qemuDomainGetControlInfo");
        var domain = Domain(call, args.Dom);
        if (!domain.Snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        var state = domain.Qemu is null ? error : domain.Jobs.Current switch
        {
            { Active: not null } => occupied,
            { Async: not null } => job,
            _ => ok,
        };
        return new(new DomainGetControlInfoRet(state, 0, 0));
    }

    [Procedure(RemoteProcedure.DomainIsActive)]
    private ValueTask<DomainIsActiveRet> DomainIsActive(ServerCall call, DomainIsActiveArgs args, CancellationToken ct) =>
        new(new DomainIsActiveRet(Domain(call, args.Dom).Snapshot.IsActive ? 1 : 0));

    [Procedure(RemoteProcedure.DomainIsPersistent)]
    private ValueTask<DomainIsPersistentRet> DomainIsPersistent(ServerCall call, DomainIsPersistentArgs args, CancellationToken ct) =>
        new(new DomainIsPersistentRet(Domain(call, args.Dom).Snapshot.IsPersistent ? 1 : 0));

    [Procedure(RemoteProcedure.DomainIsUpdated)]
    private ValueTask<DomainIsUpdatedRet> DomainIsUpdated(ServerCall call, DomainIsUpdatedArgs args, CancellationToken ct)
    {
        Domain(call, args.Dom);
        return new(new DomainIsUpdatedRet(0));
    }

    [Procedure(RemoteProcedure.DomainGetOsType)]
    private ValueTask<DomainGetOsTypeRet> DomainGetOsType(ServerCall call, DomainGetOsTypeArgs args, CancellationToken ct)
    {
        Domain(call, args.Dom);
        return new(new DomainGetOsTypeRet("hvm"));
    }

    [Procedure(RemoteProcedure.DomainGetMaxMemory)]
    private ValueTask<DomainGetMaxMemoryRet> DomainGetMaxMemory(ServerCall call, DomainGetMaxMemoryArgs args, CancellationToken ct) =>
        new(new DomainGetMaxMemoryRet(Domain(call, args.Dom).Snapshot.Definition.Spec.Memory.KiB));

    [Procedure(RemoteProcedure.DomainGetMaxVcpus)]
    private ValueTask<DomainGetMaxVcpusRet> DomainGetMaxVcpus(ServerCall call, DomainGetMaxVcpusArgs args, CancellationToken ct)
    {
        var snapshot = Domain(call, args.Dom).Snapshot;
        return snapshot.IsActive ? new(new DomainGetMaxVcpusRet(snapshot.Definition.Spec.Vcpu.Maximum)) : throw DomainRefusals.NotRunning();
    }

    [Procedure(RemoteProcedure.DomainGetVcpusFlags)]
    private async ValueTask<DomainGetVcpusFlagsRet> DomainGetVcpusFlags(ServerCall call, DomainGetVcpusFlagsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, AffectLive | AffectConfig | VcpuMaximum | VcpuGuest, "qemuDomainGetVcpusFlags");
        var snapshot = Domain(call, args.Dom).Snapshot;
        var vcpu = Affect(args.Flags).Of(snapshot).Spec.Vcpu;
        if (!Has(args.Flags, VcpuGuest))
            return new DomainGetVcpusFlagsRet(Has(args.Flags, VcpuMaximum) ? vcpu.Maximum : vcpu.Current);
        if (!snapshot.IsActive)
            throw new WherryException(ErrorCode.InvalidArg, "vCPU count provided by the guest agent can only be requested for live domains");
        var used = await Driver.GetGuestVcpusAsync(Domain(call, args.Dom), Owner("DomainGetVcpusFlags"), ct);
        return new DomainGetVcpusFlagsRet(Has(args.Flags, VcpuMaximum) ? used.Length : used.Count(one => one.IsOnline));
    }

    [Procedure(RemoteProcedure.DomainGetSecurityLabel)]
    private ValueTask<DomainGetSecurityLabelRet> DomainGetSecurityLabel(ServerCall call, DomainGetSecurityLabelArgs args, CancellationToken ct)
    {
        Domain(call, args.Dom);
        return new(new DomainGetSecurityLabelRet("", 0));
    }

    [Procedure(RemoteProcedure.DomainGetMessages)]
    private ValueTask<DomainGetMessagesRet> DomainGetMessages(ServerCall call, DomainGetMessagesArgs args, CancellationToken ct)
    {
        const uint deprecation = 1, tainting = 2;
        CheckFlags(args.Flags, deprecation | tainting, "qemuDomainGetMessages");
        var domain = Domain(call, args.Dom);
        var snapshot = domain.Snapshot;

        // Of neither kind that a client can ask for by its flag, so for those who want all.
        var migration = args.Flags == 0 ? Migrations.Messages(domain.Uuid) : [];
        if (!snapshot.IsActive || args.Flags == deprecation)
            return new(new DomainGetMessagesRet(migration));
        return new(new DomainGetMessagesRet(
        [
            .. migration,
            .. snapshot.UsedByMonitor ? (string[])["tainted: custom monitor control commands issued"] : [],
            .. context.Options is { IsPrivileged: true, Uid: 0 } ? (string[])["tainted: running with undesirable elevated privileges"] : [],
        ]));
    }
}
