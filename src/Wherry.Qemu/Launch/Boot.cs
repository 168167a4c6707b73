using System.Text;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary><c>-boot</c> and a kernel loaded by QEMU itself.</summary>
internal static class Boot
{
    public static void Add(Arguments arguments, DomainSpec spec)
    {
        var os = spec.Os;
        var boot = new StringBuilder();
        if (os.BootMenu is { } menu)
            boot.Append("menu=").Append(Arguments.OnOff(menu)).Append(',');
        if (os.BiosRebootTimeoutMs is { } reboot)
            boot.Append("reboot-timeout=").Append(reboot).Append(',');
        if (os.BootMenuTimeout is { } splash)
            boot.Append("splash-time=").Append((long)splash.TotalMilliseconds).Append(',');
        // strict: only devices with a bootindex are tried, never whatever the firmware finds besides.
        arguments.Add("-boot", boot.Append("strict=on").ToString());

        if (os.Kernel is { } kernel)
            arguments.Add("-kernel", kernel);
        if (os.Initrd is { } initrd)
            arguments.Add("-initrd", initrd);
        if (os.Cmdline is { } cmdline)
            arguments.Add("-append", cmdline);
    }
}
