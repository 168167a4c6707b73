namespace Wherry.Testbed.Guest;

/// <summary>A guest that is a firmware and nothing else: it starts at once, and is enough for what is about QEMU and not about guests.</summary>
public sealed record FirmwareDomain(string Name)
{
    /// <summary>Elements beside the devices, such as <c>on_crash</c>.</summary>
    public string Elements { get; init; } = "";

    public string Devices { get; init; } = "";

    public string Xml =>
        $"""
        <domain type='qemu'>
          <name>{Name}</name>
          <memory unit='MiB'>16</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <features><acpi/></features>
          {Elements}
          <devices>
            <emulator>{TestDomain.Emulator}</emulator>
            <memballoon model='none'/>
            {Devices}
          </devices>
        </domain>
        """;
}
