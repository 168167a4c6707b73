using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Entropy sources: a QOM object for the host's end, then the guest's device.</summary>
internal static class Rngs
{
    /// <summary>libvirt's period for a rate without one, in milliseconds.</summary>
    private const long DefaultPeriodMs = 1000;

    public static void Add(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var rng in spec.Rngs)
        {
            arguments.AddObject(Source(rng));
            arguments.AddDevice(Device(rng, bus));
        }
    }

    internal static string SourceId(RngSpec rng) => $"obj{rng.Alias}";

    internal static Properties Source(RngSpec rng) => rng.Backend == "builtin"
        ? Properties.OfObject("rng-builtin", SourceId(rng))
        : Properties.OfObject("rng-random", SourceId(rng)).Text("filename", rng.BackendPath ?? "/dev/urandom");

    internal static Properties Device(RngSpec rng, BusNames bus)
    {
        var device = Virtio.Device("virtio-rng", rng.Address, rng.Model).Text("rng", SourceId(rng)).Text("id", rng.Alias);
        if (rng.RateBytes is > 0 and var rate)
            device.Number("max-bytes", rate).Number("period", (long?)rng.RatePeriod?.TotalMilliseconds ?? DefaultPeriodMs);
        return bus.AddAddress(device, rng.Address);
    }
}
