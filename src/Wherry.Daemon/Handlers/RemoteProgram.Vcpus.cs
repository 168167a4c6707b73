using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Host;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// The threads of a guest: what they run on now, and what they may run on.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainGetVcpus)]
    private ValueTask<DomainGetVcpusRet> DomainGetVcpus(ServerCall call, DomainGetVcpusArgs args, CancellationToken ct)
    {
        const int running = 1; // virVcpuState
        CheckMaps(args.Maxinfo, args.Maplen, "maxinfo", RemoteLimits.Vcpuinfo);
        var domain = Domain(call, args.Dom);
        if (!domain.Snapshot.IsActive || domain.Qemu is not { } qemu)
            throw new WherryException(ErrorCode.OperationInvalid, "cannot retrieve vcpu information for inactive domain");
        var pid = qemu.Process.Pid;
        var info = ImmutableArray.CreateBuilder<VcpuInfo>();
        var maps = new byte[args.Maxinfo * args.Maplen];
        foreach (var (number, thread) in GuestThreads.Read(pid).Vcpus.Take(args.Maxinfo))
        {
            if (ProcessUsage.Read(pid, thread) is not { } usage || ProcessUsage.ReadAffinity(pid, thread) is not { } affinity)
                continue;
            affinity.ToMap(args.Maplen * 8).CopyTo(maps, info.Count * args.Maplen);
            info.Add(new VcpuInfo((uint)number, running, (ulong)usage.Total.TotalNanoseconds, usage.LastCpu));
        }
        return new(new DomainGetVcpusRet(info.ToImmutable(), [.. maps]));
    }

    [Procedure(RemoteProcedure.DomainGetVcpuPinInfo)]
    private ValueTask<DomainGetVcpuPinInfoRet> DomainGetVcpuPinInfo(ServerCall call, DomainGetVcpuPinInfoArgs args, CancellationToken ct)
    {
        CheckMaps(args.Ncpumaps, args.Maplen, "ncpumaps", RemoteLimits.Vcpuinfo);
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainGetVcpuPinInfo");
        var (document, spec) = Affect(args.Flags).Of(Domain(call, args.Dom).Snapshot);
        var count = Math.Min(spec.Vcpu.Maximum, args.Ncpumaps);
        var maps = new byte[args.Ncpumaps * args.Maplen];
        for (var vcpu = 0; vcpu < count; vcpu++)
            Cpus(document.VcpuPin(vcpu)).ToMap(args.Maplen * 8).CopyTo(maps, vcpu * args.Maplen);
        return new(new DomainGetVcpuPinInfoRet([.. maps], count));
    }

    [Procedure(RemoteProcedure.DomainGetEmulatorPinInfo)]
    private ValueTask<DomainGetEmulatorPinInfoRet> DomainGetEmulatorPinInfo(ServerCall call, DomainGetEmulatorPinInfoArgs args, CancellationToken ct)
    {
        CheckMaps(1, args.Maplen, "maplen", RemoteLimits.Vcpuinfo);
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainGetEmulatorPinInfo");
        var document = Affect(args.Flags).Of(Domain(call, args.Dom).Snapshot).Document;
        return new(new DomainGetEmulatorPinInfoRet([.. Cpus(document.EmulatorPin).ToMap(args.Maplen * 8)], 1));
    }

    /// <summary>A pinning as the document says it; all CPUs of the host that are online where it says nothing.</summary>
    private CpuSet Cpus(string? pinning) => pinning is null ? CpuMap.Read(context.HostFiles).Online : CpuSet.ParseWithExclusions(pinning);

    private static void CheckMaps(int count, int length, string what, int most)
    {
        if (count < 0 || count > most)
            throw new WherryException(ErrorCode.InternalError, $"{what} > REMOTE_VCPUINFO_MAX", ErrorDomain.Rpc);
        if (length < 0 || (long)count * length > RemoteLimits.Cpumaps)
            throw new WherryException(ErrorCode.InternalError, $"{what} * maplen > REMOTE_CPUMAPS_MAX", ErrorDomain.Rpc);
    }
}
