namespace Wherry.Xml;

/// <summary>A serial port, parallel port, console or channel.</summary>
public sealed record CharacterDeviceSpec : DeviceSpec
{
    public required CharacterSource Source { get; init; }

    /// <summary>serial: "isa-serial", "pci-serial", "usb-serial"; console: "serial", "virtio"; channel: "virtio"; parallel: null.</summary>
    public string? TargetType { get; init; }

    /// <summary>serial's <c>&lt;model name=…/&gt;</c>: the QEMU device.</summary>
    public string? TargetModel { get; init; }

    public int? Port { get; init; }

    /// <summary>A channel's name inside the guest, such as <c>org.qemu.guest_agent.0</c>.</summary>
    public string? Name { get; init; }

    /// <summary>File to which QEMU copies what the guest writes.</summary>
    public string? LogFile { get; init; }

    public bool LogAppend { get; init; }

    public bool IsGuestAgent => Name == "org.qemu.guest_agent.0";
}

/// <summary>The host end of a character device.</summary>
public abstract record CharacterSource
{
    private CharacterSource()
    {
    }

    /// <summary>A pseudo-terminal; the path is known once QEMU has opened it.</summary>
    public sealed record Pty(string? Path) : CharacterSource;

    public sealed record File(string Path, bool? Append) : CharacterSource;

    /// <param name="Path">null: libvirt chooses one under its channel directory.</param>
    /// <param name="Listen">true (mode='bind'): QEMU listens.</param>
    public sealed record Unix(string? Path, bool Listen) : CharacterSource
    {
        public int? ReconnectSeconds { get; init; }
    }

    /// <param name="Protocol">"raw", "telnet", "telnets" or "tls".</param>
    public sealed record Tcp(string Host, string Service, bool Listen, string Protocol) : CharacterSource
    {
        public int? ReconnectSeconds { get; init; }
    }

    public sealed record Udp(string? ConnectHost, string? ConnectService, string? BindHost, string? BindService) : CharacterSource;

    public sealed record Device(string Path) : CharacterSource;

    public sealed record Pipe(string Path) : CharacterSource;

    public sealed record Null : CharacterSource;

    public sealed record Stdio : CharacterSource;

    public sealed record Vc : CharacterSource;
}
