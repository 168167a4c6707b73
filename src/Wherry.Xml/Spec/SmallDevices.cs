using System.Collections.Immutable;

namespace Wherry.Xml;

public sealed record GraphicsSpec
{
    /// <summary>The VNC port; -1 while none has been chosen.</summary>
    public int Port { get; init; } = -1;

    public bool AutoPort { get; init; }

    /// <summary>The websocket port; -1 for "choose one", null for none.</summary>
    public int? WebSocket { get; init; }

    public ImmutableArray<GraphicsListen> Listens { get; init; } = [];

    public string? Keymap { get; init; }

    /// <summary>"allow-exclusive", "force-shared" or "ignore".</summary>
    public string? SharePolicy { get; init; }

    /// <summary>Never printed: see <see cref="ToString"/>.</summary>
    public string? Password { get; init; }

    /// <summary>UTC.</summary>
    public DateTime? PasswordValidTo { get; init; }

    /// <summary>What to do with a connected client when the password changes: "keep", "disconnect" or "fail".</summary>
    public string? Connected { get; init; }

    public int? AudioId { get; init; }

    public override string ToString() => $"vnc port {Port}";
}

public abstract record GraphicsListen
{
    private GraphicsListen()
    {
    }

    /// <param name="Host">null: the daemon's configured address, 127.0.0.1 unless changed.</param>
    public sealed record Address(string? Host) : GraphicsListen;

    /// <param name="Path">null: a path the daemon makes.</param>
    public sealed record Socket(string? Path) : GraphicsListen;

    public sealed record None : GraphicsListen;
}

/// <summary>An audio backend. libvirt adds one of type "none" beside VNC.</summary>
public sealed record AudioSpec(int Id, string Type);

public sealed record SoundSpec : DeviceSpec
{
    /// <summary>"sb16", "es1370", "ac97", "ich6" or "ich9".</summary>
    public required string Model { get; init; }

    /// <summary>"duplex", "micro" or "output" each; empty: one that is duplex.</summary>
    public ImmutableArray<string> Codecs { get; init; } = [];

    /// <summary>Its <see cref="AudioSpec"/>; null: the first.</summary>
    public int? AudioId { get; init; }

    public bool HasCodecs => IsHighDefinition(Model);

    /// <summary>Intel's HD audio.</summary>
    internal static bool IsHighDefinition(string model) => model is "ich6" or "ich9";
}

public sealed record VideoSpec : DeviceSpec
{
    /// <summary>"cirrus", "vga", "virtio", "qxl", "bochs", "ramfb", "vmvga" or "none".</summary>
    public required string Model { get; init; }

    public bool Primary { get; init; }

    public ByteSize? Ram { get; init; }

    public ByteSize? Vram { get; init; }

    public ByteSize? Vram64 { get; init; }

    public ByteSize? VgaMem { get; init; }

    public int? Heads { get; init; }

    public bool? Blob { get; init; }

    public int? ResolutionX { get; init; }

    public int? ResolutionY { get; init; }
}

public sealed record HubSpec : DeviceSpec;

public sealed record WatchdogSpec : DeviceSpec
{
    /// <summary>"i6300esb", "ib700", "itco" or "diag288".</summary>
    public required string Model { get; init; }

    /// <summary>"reset", "shutdown", "poweroff", "pause", "none", "dump" or "inject-nmi".</summary>
    public required string Action { get; init; }
}

public sealed record MemballoonSpec : DeviceSpec
{
    /// <summary>"virtio", "virtio-transitional", "virtio-non-transitional" or "none".</summary>
    public required string Model { get; init; }

    public bool? AutoDeflate { get; init; }

    public bool? FreePageReporting { get; init; }

    /// <summary>How often QEMU asks the guest for statistics; null for never.</summary>
    public TimeSpan? StatsPeriod { get; init; }
}

public sealed record RngSpec : DeviceSpec
{
    /// <summary>"virtio", "virtio-transitional" or "virtio-non-transitional".</summary>
    public required string Model { get; init; }

    public uint? RateBytes { get; init; }

    public TimeSpan? RatePeriod { get; init; }

    /// <summary>"random" or "builtin".</summary>
    public required string Backend { get; init; }

    /// <summary>The host's entropy file, for backend "random"; null means /dev/urandom is left to QEMU.</summary>
    public string? BackendPath { get; init; }
}

public sealed record InputSpec : DeviceSpec
{
    /// <summary>"mouse", "tablet" or "keyboard".</summary>
    public required string Type { get; init; }

    /// <summary>"ps2", "usb" or "virtio".</summary>
    public required string Bus { get; init; }

    public string? Model { get; init; }
}

public sealed record PanicSpec : DeviceSpec
{
    /// <summary>"isa", "pvpanic" or "hyperv".</summary>
    public required string Model { get; init; }
}
