using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Ways for a guest to say that it has crashed. "hyperv" is a CPU flag.</summary>
internal static class Panics
{
    public static void Add(Arguments arguments, DomainSpec spec)
    {
        foreach (var panic in spec.Panics)
        {
            switch (panic.Model)
            {
                case "isa":
                    // The property is ioport, not iobase as on every other ISA device.
                    arguments.AddDevice(Properties.OfDevice("pvpanic").Number("ioport", (panic.Address as DeviceAddress.Isa)?.IoBase));
                    break;
                case "hyperv":
                    break;
                default:
                    throw new WherryException(ErrorCode.ConfigUnsupported, $"unsupported panic model '{panic.Model}'");
            }
        }
    }
}
