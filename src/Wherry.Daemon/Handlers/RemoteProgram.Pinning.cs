using System.Collections.Immutable;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh vcpupin and emulatorpin, as far as they change something.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainPinVcpu)]
    private ValueTask DomainPinVcpu(ServerCall call, DomainPinVcpuArgs args, CancellationToken ct) =>
        PinVcpuAsync(call, args.Dom, args.Vcpu, args.Cpumap, AffectLive, "virDomainPinVcpu", Owner("DomainPinVcpu"), ct);

    [Procedure(RemoteProcedure.DomainPinVcpuFlags)]
    private ValueTask DomainPinVcpuFlags(ServerCall call, DomainPinVcpuFlagsArgs args, CancellationToken ct) =>
        PinVcpuAsync(call, args.Dom, args.Vcpu, args.Cpumap, args.Flags, "virDomainPinVcpuFlags", Owner("DomainPinVcpuFlags"), ct);

    [Procedure(RemoteProcedure.DomainPinEmulator)]
    private async ValueTask DomainPinEmulator(ServerCall call, DomainPinEmulatorArgs args, CancellationToken ct)
    {
        CheckArgument(!args.Cpumap.IsEmpty, "maplen", "virDomainPinEmulator", "must be greater than zero");
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainPinEmulator");
        await Driver.PinEmulatorAsync(Domain(call, args.Dom), Cpus(args.Cpumap), Affect(args.Flags), Owner("DomainPinEmulator"), ct);
    }

    private async ValueTask PinVcpuAsync(
        ServerCall call, NonnullDomain dom, uint vcpu, ImmutableArray<byte> map, uint flags, string function, string owner, CancellationToken ct)
    {
        CheckArgument(!map.IsEmpty, "maplen", function, "must be greater than zero");
        CheckFlags(flags, AffectLive | AffectConfig, "qemuDomainPinVcpuFlags");
        await Driver.PinVcpuAsync(Domain(call, dom), (int)Math.Min(vcpu, int.MaxValue), Cpus(map), Affect(flags), owner, ct);
    }

    /// <summary>libvirt's cpumap bytes: bit n%8 of byte n/8 is CPU n.</summary>
    private static ImmutableSortedSet<int> Cpus(ImmutableArray<byte> map) =>
        [.. Enumerable.Range(0, map.Length * 8).Where(cpu => (map[cpu / 8] & (1 << (cpu % 8))) != 0)];
}
