using Wherry.Testbed.Guest;

namespace Wherry.Bench;

/// <summary>A guest that is nothing but firmware which finds nothing to boot: it is there at once, and then idles.</summary>
internal static class FirmwareGuest
{
    public static string Xml(string name) =>
        $"""
        <domain type='qemu'>
          <name>{name}</name>
          <memory unit='MiB'>16</memory>
          <vcpu>1</vcpu>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <features><acpi/></features>
          <devices>
            <emulator>{TestDomain.Emulator}</emulator>
            <controller type='usb' model='none'/>
            <memballoon model='virtio'/>
          </devices>
        </domain>
        """;

    /// <summary>The process of a guest's QEMU, as this process sees it; null when there is none.</summary>
    public static int? Pid(string name)
    {
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), out var pid) && CommandLine(pid).Contains($"\0guest={name},", StringComparison.Ordinal))
                return pid;
        }

        return null;
    }

    private static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (IOException)
        {
            return ""; // it has ended meanwhile
        }
    }
}
