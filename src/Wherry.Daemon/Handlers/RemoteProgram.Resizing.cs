using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh blockresize and domdirtyrate-calc.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainBlockResize)]
    private async ValueTask DomainBlockResize(ServerCall call, DomainBlockResizeArgs args, CancellationToken ct)
    {
        const uint inBytes = 1;
        const ulong kib = 1024;
        CheckFlags(args.Flags, inBytes, "qemuDomainBlockResize");
        if (!Has(args.Flags, inBytes) && args.Size > ulong.MaxValue / kib)
            throw new WherryException(ErrorCode.Overflow, $"size must be less than {ulong.MaxValue / kib}");
        await Driver.ResizeBlockAsync(
            Domain(call, args.Dom), args.Disk, Has(args.Flags, inBytes) ? args.Size : args.Size * kib, Owner("DomainBlockResize"), ct);
    }

    [Procedure(RemoteProcedure.DomainStartDirtyRateCalc)]
    private async ValueTask DomainStartDirtyRateCalc(ServerCall call, DomainStartDirtyRateCalcArgs args, CancellationToken ct)
    {
        const uint dirtyBitmap = 1, dirtyRing = 2;
        const int least = 1, most = 60;
        CheckFlags(args.Flags, dirtyBitmap | dirtyRing, "qemuDomainStartDirtyRateCalc");
        if (args.Seconds is < least or > most)
            throw new WherryException(
                ErrorCode.ConfigUnsupported, $"seconds={Decimal(args.Seconds)} is invalid, please choose value within [{least}, {most}].");
        var domain = Domain(call, args.Dom);
        if (!domain.Snapshot.IsActive)
            throw DomainRefusals.NotRunning();
        // No guest of ours has KVM's dirty ring: the definition cannot ask for it.
        if (!Has(args.Flags, dirtyBitmap) && Has(args.Flags, dirtyRing))
            throw new WherryException(ErrorCode.OperationUnsupported, "dirty-ring calculation mode requires dirty-ring feature enabled.");
        await Driver.CalculateDirtyRateAsync(
            domain, TimeSpan.FromSeconds(args.Seconds), Has(args.Flags, dirtyBitmap) ? QemuDriver.DirtyBitmap : null, Owner("DomainStartDirtyRateCalc"), ct);
    }
}
