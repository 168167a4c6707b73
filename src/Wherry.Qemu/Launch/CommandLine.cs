using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// Writes the QEMU command line of a domain.
/// <code>
///   DomainSpec --.                          .--&gt; Arguments, Environment --&gt; ProcessSupervisor
///   (hardware)   +--&gt; CommandLine.Build ----+--&gt; Disks (node names) ------&gt; live XML, block jobs, NBD exports
///   LaunchContext'     pure: no I/O         '--&gt; StartupCommands ---------&gt; owner, before cont
///   (this host, this start)
///
///   -name -S | firmware | -machine -accel -cpu -m -smp | -uuid -smbios | monitor | -rtc -no-shutdown -boot | controllers | memory modules | hubs | disks |
///   interfaces | serials channels consoles | inputs | vnc video sound | watchdog | -incoming | balloon rng | sandbox
/// </code>
/// The guest must see the same hardware under us as under libvirt 9.0, or a migration between the two breaks: same devices in the same
/// order, same ids (they name sections of the migration stream), same addresses, same defaults left out. One file per device family;
/// the differential test compares each with what stock libvirt runs.
/// </summary>
public static class CommandLine
{
    /// <param name="spec">
    /// A completed definition: every device has its alias and, where its bus has any, its address; the CPU is resolved
    /// (<see cref="Cpus.GuestCpu"/>).
    /// </param>
    /// <exception cref="WherryException">
    /// ConfigUnsupported: the domain asks for something QEMU or we cannot do; InternalError: the spec was not completed.
    /// </exception>
    public static LaunchPlan Build(DomainSpec spec, LaunchContext context)
    {
        var emulator = spec.Emulator ?? throw new WherryException(ErrorCode.InternalError, $"domain '{spec.Name}' has no emulator");
        var arguments = new Arguments();
        var bus = new BusNames(spec);
        var boot = new BootIndexes(spec);
        var disks = DiskNodes.Number(spec, context);

        arguments.Add("-name", $"guest={Arguments.Escape(spec.Name)},debug-threads=on");
        arguments.Add("-S");
        Flash.AddNodes(arguments, spec.Os);
        Machine.Add(arguments, spec, context);
        Cpu.Add(arguments, spec);
        Flash.Add(arguments, spec.Os);
        Memory.Add(arguments, spec, context);
        arguments.Add("-uuid", spec.Uuid.ToString("D"));
        Smbios.Add(arguments, spec);
        if (spec.GenerationId is { } generation)
            arguments.AddDevice(Properties.OfDevice("vmgenid").Text("guid", generation.ToString("D")).Text("id", "vmgenid0"));
        if (spec.Graphics.IsEmpty)
            arguments.Add("-display", "none");
        arguments.Add("-no-user-config");
        arguments.Add("-nodefaults");
        arguments.Add("-chardev", $"socket,id=charmonitor,fd={context.MonitorFd},server=on,wait=off");
        arguments.Add("-mon", "chardev=charmonitor,id=monitor,mode=control");
        Clock.Add(arguments, spec, context);
        Power.Add(arguments, spec);
        Boot.Add(arguments, spec);
        Controllers.Add(arguments, spec, bus);
        Memory.AddModules(arguments, spec, bus);
        Controllers.AddHubs(arguments, spec, bus);
        Disks.Add(arguments, spec, disks, bus, boot);
        Interfaces.Add(arguments, spec, context, bus, boot);
        CharacterDevices.Add(arguments, spec, context, bus);
        Inputs.Add(arguments, spec, bus);
        Graphics.Add(arguments, spec, context);
        Videos.Add(arguments, spec, bus);
        Sounds.Add(arguments, spec, bus);
        Watchdog.Add(arguments, spec, bus);
        if (context.Incoming)
            arguments.Add("-incoming", "defer");
        Memballoon.Add(arguments, spec, bus);
        Rngs.Add(arguments, spec, bus);
        if (spec.Features.Vmcoreinfo == true)
            arguments.AddDevice(Properties.OfDevice("vmcoreinfo"));
        if (context.Features.Sandbox)
            arguments.Add("-sandbox", context.Sandbox ? "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny" : "off");
        Panics.Add(arguments, spec);
        arguments.Add("-msg", "timestamp=on");

        return new LaunchPlan
        {
            Emulator = emulator,
            Arguments = arguments.ToImmutable(),
            Environment = LaunchEnvironment.Of(spec, context),
            Disks = disks,
            ChannelPaths = CharacterDevices.SocketPaths(spec, context),
            StartupCommands = StartupCommands.Of(spec),
        };
    }
}
