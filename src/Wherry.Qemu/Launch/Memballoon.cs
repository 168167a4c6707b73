using Wherry.Xml;

namespace Wherry.Qemu.Launch;

internal static class Memballoon
{
    public static void Add(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        if (spec.Memballoon is not { Model: not "none" } balloon)
            return;
        var device = Virtio.Device("virtio-balloon", balloon.Address, balloon.Model)
            .Text("id", balloon.Alias)
            .Flag("deflate-on-oom", balloon.AutoDeflate)
            .Flag("free-page-reporting", balloon.FreePageReporting);
        arguments.AddDevice(bus.AddAddress(device, balloon.Address));
    }
}
