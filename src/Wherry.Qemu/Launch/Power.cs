using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>What QEMU does when the guest powers off or reboots, and which sleep states the guest is offered.</summary>
internal static class Power
{
    public static void Add(Arguments arguments, DomainSpec spec)
    {
        // QEMU stays after a power-off, so that the owner sees the SHUTDOWN event, flushes and then ends it on its own terms.
        arguments.Add("-no-shutdown");
        // libvirt asks for the same with set-action once QEMU runs; here it holds from the first instruction.
        if (spec.OnReboot == LifecycleAction.Destroy)
            arguments.Add("-action", "reboot=shutdown");
        var bridge = spec.Os.IsQ35 ? "ICH9-LPC" : "PIIX4_PM";
        if (spec.PowerManagement.SuspendToMem is { } mem)
            arguments.Add("-global", $"{bridge}.disable_s3={(mem ? 0 : 1)}");
        if (spec.PowerManagement.SuspendToDisk is { } disk)
            arguments.Add("-global", $"{bridge}.disable_s4={(disk ? 0 : 1)}");
    }
}
