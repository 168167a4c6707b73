using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Mice, tablets and keyboards. PS/2 ones are part of the machine.</summary>
internal static class Inputs
{
    public static void Add(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        foreach (var input in spec.Inputs.Where(input => input.Bus != "ps2"))
            arguments.AddDevice(Device(input, bus));
    }

    internal static Properties Device(InputSpec input, BusNames bus)
    {
        var device = input.Bus == "usb"
            ? Properties.OfDevice(input.Type == "keyboard" ? "usb-kbd" : $"usb-{input.Type}")
            : Virtio.Device($"virtio-{input.Type}", input.Address, input.Model);
        return bus.AddAddress(device.Text("id", input.Alias), input.Address);
    }
}
