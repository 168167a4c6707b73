using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Video cards. The primary one is a VGA-compatible variant where its kind has one, so that firmware can draw on it.</summary>
internal static class Videos
{
    public static void Add(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var video in spec.Videos.Where(video => video.Model != "none"))
            arguments.AddDevice(Device(video, bus));
    }

    private static Properties Device(VideoSpec video, BusNames bus)
    {
        var card = Properties.OfDevice(Driver(video))
            .Text("id", video.Alias)
            .Number("max_outputs", video.Model is "qxl" or "virtio" ? video.Heads : null);
        switch (video.Model)
        {
            case "qxl":
                card.Number("ram_size", Bytes(video.Ram)).Number("vram_size", Bytes(video.Vram))
                    .Number("vram64_size_mb", MiB(video.Vram64) ?? 0).Number("vgamem_mb", MiB(video.VgaMem) ?? 0);
                break;
            case "vga" or "vmvga":
                card.Number("vgamem_mb", MiB(video.Vram));
                break;
            case "bochs":
                card.Number("vgamem", Bytes(video.Vram));
                break;
        }
        card.Number("xres", video.ResolutionX).Number("yres", video.ResolutionY);
        return bus.AddAddress(card, video.Address);
    }

    private static string Driver(VideoSpec video) => (video.Model, video.Primary) switch
    {
        ("vga", true) => "VGA",
        ("cirrus", true) => "cirrus-vga",
        ("vmvga", true) => "vmware-svga",
        ("qxl", true) => "qxl-vga",
        ("virtio", true) => "virtio-vga",
        ("bochs", true) => "bochs-display",
        ("ramfb", true) => "ramfb",
        ("qxl", false) => "qxl",
        ("virtio", false) => "virtio-gpu-pci",
        _ => throw new WherryException(ErrorCode.InternalError, $"invalid model for video type '{video.Model}'"),
    };

    private static long? Bytes(ByteSize? size) => size is { Bytes: > 0 and var bytes } ? (long)bytes : null;

    private static long? MiB(ByteSize? size) => size is { MiB: > 0 and var mib } ? (long)mib : null;
}
