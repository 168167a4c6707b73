using System.Collections.Immutable;

namespace Wherry.Testbed.Guest;

/// <summary>What the guest does; see guest/workload.c.</summary>
/// <param name="WriteKiBps">Per disk; 0: writes nothing.</param>
/// <param name="DirtyMiBps">Memory that it writes to, per second; 0: none.</param>
/// <param name="TouchMiB">How much memory it cycles through while it does.</param>
public sealed record GuestLoad(int WriteKiBps = 0, int DirtyMiBps = 0, int TouchMiB = 64)
{
    public static readonly GuestLoad Idle = new();

    internal string CommandLine => $"wherry.write={WriteKiBps} wherry.dirty={DirtyMiBps} wherry.touch={TouchMiB}";
}

/// <summary>A disk of the guest: the n-th one is vda, vdb, and so on.</summary>
public sealed record TestDisk(string Path, string Format = "raw", long MiB = 64)
{
    public Task CreateAsync() =>
        Command.RunAsync(["qemu-img", "create", "-q", "-f", Format, Path, $"{MiB}M"]).Checked();

    /// <summary>As an overlay over an image that exists.</summary>
    public Task CreateOverAsync(TestDisk @base) =>
        Command.RunAsync(["qemu-img", "create", "-q", "-f", Format, "-b", @base.Path, "-F", @base.Format, Path]).Checked();
}

/// <summary>The domain XML of a test guest, small enough to boot under TCG in a few seconds.</summary>
public sealed record TestDomain(string Name, GuestImage Image, SerialListener Serial)
{
    /// <summary>The emulator under test: QEMU 7.2 of Debian 12, or another when WHERRY_QEMU names it.</summary>
    public static string Emulator { get; } =
        Environment.GetEnvironmentVariable("WHERRY_QEMU") ?? Executables.Find("qemu-system-x86_64") ?? "/usr/bin/qemu-system-x86_64";

    public Guid Uuid { get; init; } = Guid.NewGuid();

    public int MemoryMiB { get; init; } = 192;

    public int Vcpus { get; init; } = 1;

    public string Machine { get; init; } = "q35";

    public GuestLoad Load { get; init; } = GuestLoad.Idle;

    public ImmutableArray<TestDisk> Disks { get; init; } = [];

    /// <summary>Each disk is served by the one I/O thread that there is, and limited to 20 MiB/s.</summary>
    public bool Tuned { get; init; }

    /// <summary>What stands in the domain's emulator element.</summary>
    public string EmulatorPath { get; init; } = Emulator;

    /// <summary>More device elements, put in as they are.</summary>
    public string Devices { get; init; } = "";

    public static string Target(int disk) => $"vd{(char)('a' + disk)}";

    public string Xml =>
        $"""
        <domain type='qemu'>
          <name>{Name}</name>
          <uuid>{Uuid}</uuid>
          <memory unit='MiB'>{MemoryMiB}</memory>
          <vcpu>{Vcpus}</vcpu>
          {(Tuned ? "<iothreads>1</iothreads><cputune><iothreadpin iothread='1' cpuset='0'/></cputune>" : "")}
          <os>
            <type arch='x86_64' machine='{Machine}'>hvm</type>
            <kernel>{Image.Kernel}</kernel>
            <initrd>{Image.Initrd}</initrd>
            <cmdline>console=ttyS0 quiet panic=1 mitigations=off {Load.CommandLine}</cmdline>
          </os>
          <features><acpi/></features>
          <on_reboot>restart</on_reboot>
          <devices>
            <emulator>{EmulatorPath}</emulator>
        {string.Concat(Disks.Select(DiskXml))}
            <serial type='unix'>
              <source mode='connect' path='{Serial.Path}'/>
              <target port='0'/>
            </serial>
            <memballoon model='none'/>
            {Devices}
          </devices>
        </domain>
        """;

    private string DiskXml(TestDisk disk, int index) =>
        $"""
            <disk type='file' device='disk'>
              <driver name='qemu' type='{disk.Format}'{(Tuned ? " iothread='1'" : "")}/>
              <source file='{disk.Path}'/>
              <target dev='{Target(index)}' bus='virtio'/>
              {(Tuned ? "<iotune><total_bytes_sec>20971520</total_bytes_sec></iotune>" : "")}
            </disk>

        """;
}
