using System.Text;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary><c>-machine</c> and <c>-accel</c>.</summary>
internal static class Machine
{
    public static void Add(Arguments arguments, DomainSpec spec, LaunchContext context)
    {
        var features = spec.Features;
        // usb=off: our USB controllers are devices with addresses; the machine must not make one of its own.
        var machine = new StringBuilder(spec.Os.Machine).Append(",usb=off");
        Append(machine, "vmport", features.Vmport);
        Append(machine, "smm", features.Smm);
        if (features.Ioapic is { } ioapic)
            machine.Append(ioapic == "qemu" ? ",kernel_irqchip=split" : ",kernel_irqchip=on");
        Append(machine, "dump-guest-core", context.DumpGuestCore);
        Append(machine, "mem-merge", spec.MemoryBacking.NoSharePages ? false : null);
        if (spec.NumaCells.IsEmpty) // With NUMA each node has its own.
            machine.Append(",memory-backend=").Append(context.Features.DefaultRamId);
        Flash.AppendTo(machine, spec.Os);
        if (spec.Os.BiosUseSerial == true)
            machine.Append(",graphics=off");
        // libvirt 9.0 writes -no-hpet and -no-acpi for QEMU 7.2, which newer QEMU has dropped; these set the same machine properties.
        Append(machine, "hpet", spec.Clock.Timers.FirstOrDefault(timer => timer.Name == "hpet")?.Present);
        if (!features.Acpi)
            machine.Append(",acpi=off");
        arguments.Add("-machine", machine.ToString());
        arguments.Add("-accel", Accelerator(spec));
    }

    private static string Accelerator(DomainSpec spec) => spec switch
    {
        { Type: DomainType.Kvm } => "kvm",
        { Features.TcgTranslationCache: { Bytes: > 0 } cache } => $"tcg,tb-size={cache.MiB}",
        _ => "tcg",
    };

    private static void Append(StringBuilder machine, string name, bool? value)
    {
        if (value is { } on)
            machine.Append(',').Append(name).Append('=').Append(Arguments.OnOff(on));
    }
}
