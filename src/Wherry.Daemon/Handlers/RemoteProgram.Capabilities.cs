using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Cpus;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// What a host, an emulator and a CPU can do.
internal sealed partial class RemoteProgram
{
    private const uint FailIncompatible = 1, ValidateXml = 2;

    private const uint ExpandFeatures = 1, MigratableFeatures = 2;

    [Procedure(RemoteProcedure.ConnectGetDomainCapabilities)]
    private async ValueTask<ConnectGetDomainCapabilitiesRet> ConnectGetDomainCapabilities(
        ServerCall call, ConnectGetDomainCapabilitiesArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "qemuConnectGetDomainCapabilities");
        return new ConnectGetDomainCapabilitiesRet(await DomainCapabilitiesDocument.GetXmlAsync(context.Emulators, context.Firmwares, args, ct));
    }

    /// <summary>Models of other processors than x86 are none that a guest of ours could have.</summary>
    [Procedure(RemoteProcedure.ConnectGetCpuModelNames)]
    private ValueTask<ConnectGetCpuModelNamesRet> ConnectGetCpuModelNames(ServerCall call, ConnectGetCpuModelNamesArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "qemuConnectGetCPUModelNames");
        if (!Architectures.Known.Contains(args.Arch))
            throw new WherryException(ErrorCode.InvalidArg, $"cannot find architecture {args.Arch}");
        ImmutableArray<string> names = Architectures.IsX86(args.Arch) ? HypervisorCpus.ModelNames : [];
        return new(new ConnectGetCpuModelNamesRet(args.NeedResults != 0 ? names : [], names.Length));
    }

    [Procedure(RemoteProcedure.ConnectCompareCpu)]
    private ValueTask<ConnectCompareCpuRet> ConnectCompareCpu(ServerCall call, ConnectCompareCpuArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, FailIncompatible | ValidateXml, "qemuConnectCompareCPU");
        return new(new ConnectCompareCpuRet((int)CpuComparison.Compare(
            context.Emulators.ReadProcessor(), ReadCpu(args.Xml, args.Flags), Has(args.Flags, FailIncompatible))));
    }

    /// <summary>With what QEMU can provide, instead of what the host has.</summary>
    [Procedure(RemoteProcedure.ConnectCompareHypervisorCpu)]
    private async ValueTask<ConnectCompareHypervisorCpuRet> ConnectCompareHypervisorCpu(
        ServerCall call, ConnectCompareHypervisorCpuArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, FailIncompatible | ValidateXml, "qemuConnectCompareHypervisorCPU");
        var cpus = await FindCpusAsync(args.Emulator, args.Arch, args.Machine, args.Virttype, ct);
        return new ConnectCompareHypervisorCpuRet((int)CpuComparison.Compare(
            cpus.HostModel, ReadCpu(args.XmlCPU, args.Flags), Has(args.Flags, FailIncompatible)));
    }

    /// <summary>The CPU that all of several hosts have.</summary>
    [Procedure(RemoteProcedure.ConnectBaselineCpu)]
    private ValueTask<ConnectBaselineCpuRet> ConnectBaselineCpu(ServerCall call, ConnectBaselineCpuArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, ExpandFeatures | MigratableFeatures, "qemuConnectBaselineCPU");
        var baseline = CpuBaseline.OfHosts(
            CpuDescription.ParseAll(args.XmlCPUs, CpuDescriptionType.Host), Has(args.Flags, MigratableFeatures), Has(args.Flags, ExpandFeatures));
        return new(new ConnectBaselineCpuRet(CpuDescription.Write(baseline)));
    }

    /// <summary>The CPU that QEMU can give a guest on all of several hosts.</summary>
    [Procedure(RemoteProcedure.ConnectBaselineHypervisorCpu)]
    private async ValueTask<ConnectBaselineHypervisorCpuRet> ConnectBaselineHypervisorCpu(
        ServerCall call, ConnectBaselineHypervisorCpuArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, ExpandFeatures | MigratableFeatures, "qemuConnectBaselineHypervisorCPU");
        var asked = CpuDescription.ParseAll(args.XmlCPUs, CpuDescriptionType.Any);
        var cpus = await FindCpusAsync(args.Emulator, args.Arch, args.Machine, args.Virttype, ct);
        var baseline = CpuBaseline.OfGuests(asked, cpus, Has(args.Flags, MigratableFeatures), Has(args.Flags, ExpandFeatures));
        return new ConnectBaselineHypervisorCpuRet(CpuDescription.Write(baseline));
    }

    private static CpuDescription ReadCpu(string xml, uint flags) => CpuDescription.Parse(xml, CpuDescriptionType.Any, Has(flags, ValidateXml));

    private async Task<HypervisorCpus> FindCpusAsync(string? path, string? arch, string? machine, string? type, CancellationToken ct)
    {
        var (emulator, _, _) = await DomainCapabilitiesDocument.FindAsync(context.Emulators, path, arch, machine, type, ct);
        // As in libvirt, any type but KVM, which is the default where there is KVM, means emulation.
        return (type is null or "kvm" ? emulator.CpusFor(DomainType.Kvm) : null) ?? emulator.CpusFor(DomainType.Qemu)!; // ! : always there
    }

    [Procedure(RemoteProcedure.ConnectDomainXmlToNative)]
    private async ValueTask<ConnectDomainXmlToNativeRet> ConnectDomainXmlToNative(
        ServerCall call, ConnectDomainXmlToNativeArgs args, CancellationToken ct)
    {
        Client(call);
        CheckFlags(args.Flags, 0, "qemuConnectDomainXMLToNative");
        if (args.NativeFormat != "qemu-argv")
            throw new WherryException(ErrorCode.InvalidArg, $"unsupported config type {args.NativeFormat}");
        var definition = await Driver.CompleteAsync(args.DomainXml, newDomain: false, ct);
        return new ConnectDomainXmlToNativeRet((await context.Launcher.DescribeAsync(definition, ct)).ToShell());
    }

    /// <summary>No release of libvirt since 5.5 reads a command line.</summary>
    [Procedure(RemoteProcedure.ConnectDomainXmlFromNative)]
    private ValueTask<ConnectDomainXmlFromNativeRet> ConnectDomainXmlFromNative(
        ServerCall call, ConnectDomainXmlFromNativeArgs args, CancellationToken ct)
    {
        Client(call);
        throw new WherryException(ErrorCode.NoSupport, "virConnectDomainXMLFromNative", ErrorDomain.Domain);
    }
}
