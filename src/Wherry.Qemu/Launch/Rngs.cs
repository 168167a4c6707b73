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
            var source = $"obj{rng.Alias}";
            arguments.AddObject(rng.Backend == "builtin"
                ? Properties.OfObject("rng-builtin", source)
                : Properties.OfObject("rng-random", source).Text("filename", rng.BackendPath ?? "/dev/urandom"));
            var device = Virtio.Device("virtio-rng", rng.Address, rng.Model).Text("rng", source).Text("id", rng.Alias);
            if (rng.RateBytes is > 0 and var rate)
                device.Number("max-bytes", rate).Number("period", (long?)rng.RatePeriod?.TotalMilliseconds ?? DefaultPeriodMs);
            arguments.AddDevice(bus.AddAddress(device, rng.Address));
        }
    }
}
