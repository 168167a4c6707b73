using Wherry.Xml;

namespace Wherry.Qemu.Launch;

internal static class Watchdog
{
    public static void Add(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        if (spec.Watchdog is not { } watchdog)
            return;
        arguments.AddDevice(bus.AddAddress(Properties.OfDevice(watchdog.Model).Text("id", watchdog.Alias), watchdog.Address));
        // QEMU cannot dump: it pauses, and the owner dumps when it sees the WATCHDOG event.
        arguments.Add("-watchdog-action", watchdog.Action == "dump" ? "pause" : watchdog.Action);
    }
}
