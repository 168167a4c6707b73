using System.Text;
using Wherry.Qemu.Cpus;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary><c>-cpu</c>: model, features, then what timers, features and Hyper-V enlightenments add, in libvirt's order.</summary>
internal static class Cpu
{
    public static void Add(Arguments arguments, DomainSpec spec)
    {
        var cpu = spec.Cpu;
        if (cpu is { Mode: CpuMode.HostModel })
            throw new WherryException(ErrorCode.InternalError, $"the CPU of domain '{spec.Name}' has not been resolved");
        var flags = Flags(spec, cpu);
        var model = cpu is null ? null : Model(spec, cpu);
        // Flags alone need a model to hang on: QEMU's default for the architecture.
        if (model is null && flags.Length > 0)
            model = "qemu64";
        if (model is not null)
            arguments.Add("-cpu", model + flags);
    }

    private static string? Model(DomainSpec spec, CpuSpec cpu)
    {
        var text = new StringBuilder();
        switch (cpu.Mode)
        {
            case CpuMode.HostPassthrough when spec.Type == DomainType.Qemu:
                throw new WherryException(
                    ErrorCode.ConfigUnsupported,
                    $"CPU mode 'host-passthrough' for {spec.Os.Arch} qemu domain on {spec.Os.Arch} host is not supported by hypervisor");
            case CpuMode.HostPassthrough or CpuMode.Maximum:
                text.Append(cpu.Mode == CpuMode.Maximum ? "max" : "host");
                Append(text, "migratable", cpu.Migratable);
                break;
            case CpuMode.Custom when cpu.Model is null:
                return null;
            default:
                text.Append(cpu.Model);
                break;
        }
        if (cpu.VendorId is { } vendor)
            text.Append(",vendor=").Append(vendor);
        foreach (var feature in cpu.Features)
        {
            if (feature.Policy is not CpuFeaturePolicy.Optional)
                Append(text, CpuFeatures.ToQemu(feature.Name), feature.Policy is CpuFeaturePolicy.Force or CpuFeaturePolicy.Require);
        }
        return text.ToString();
    }

    private static string Flags(DomainSpec spec, CpuSpec? cpu)
    {
        var flags = new StringBuilder();
        foreach (var timer in spec.Clock.Timers)
        {
            if (timer.Name == "kvmclock")
                Append(flags, "kvmclock", timer.Present);
            else if (timer is { Name: "hypervclock", Present: true })
                flags.Append(",hv-time=on");
            else if (timer is { Name: "tsc", FrequencyHz: > 0 })
                flags.Append(",tsc-frequency=").Append(timer.FrequencyHz);
        }
        Append(flags, "kvm-pv-eoi", spec.Features.ApicEoi);
        Append(flags, "kvm-pv-unhalt", spec.Features.PvSpinlock);
        if (spec.Features.Hyperv is { } hyperv)
            AppendHyperv(flags, hyperv);
        if (spec.Panics.Any(panic => panic.Model == "hyperv"))
            flags.Append(",hv-crash");
        if (spec.Features.KvmHidden == true)
            flags.Append(",kvm=off");
        Append(flags, "pmu", spec.Features.Pmu);
        if (cpu?.Cache is { } cache)
            AppendCache(flags, cpu.Mode, cache.Mode);
        if (cpu?.MaxPhysAddr is { } width)
            flags.Append(width.Mode == "passthrough" ? ",host-phys-bits=on" : $",phys-bits={width.Bits}");
        return flags.ToString();
    }

    private static void AppendHyperv(StringBuilder flags, HypervSpec hyperv)
    {
        if (hyperv.Passthrough)
            flags.Append(",hv-passthrough=on");
        foreach (var (name, on) in hyperv.Flags.Where(flag => flag.On))
        {
            switch (name)
            {
                case "spinlocks":
                    flags.Append($",hv-spinlocks=0x{hyperv.SpinlockRetries:x}");
                    break;
                case "vendor_id":
                    flags.Append(",hv-vendor-id=").Append(hyperv.VendorId);
                    break;
                default:
                    Append(flags, $"hv-{name}", on);
                    if (name == "stimer" && hyperv.StimerDirect)
                        flags.Append(",hv-stimer-direct=on");
                    break;
            }
        }
    }

    private static void AppendCache(StringBuilder flags, CpuMode mode, string cache)
    {
        flags.Append(cache switch { "emulate" => ",l3-cache=on", "passthrough" => ",host-cache-info=on", _ => "" });
        if (cache is "emulate" or "disable" && mode is CpuMode.HostPassthrough or CpuMode.Maximum)
            flags.Append(",host-cache-info=off");
        if (cache is "passthrough" or "disable")
            flags.Append(",l3-cache=off");
    }

    private static void Append(StringBuilder text, string name, bool? value)
    {
        if (value is { } on)
            text.Append(',').Append(name).Append('=').Append(Arguments.OnOff(on));
    }
}
