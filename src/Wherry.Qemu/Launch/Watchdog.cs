using Wherry.Xml;

namespace Wherry.Qemu.Launch;

internal static class Watchdog
{
    public static void Add(Arguments arguments, DomainSpec spec, BusNames bus)
    {
        if (spec.Watchdog is not { } watchdog)
            return;
        arguments.AddDevice(Device(watchdog, bus));
        arguments.Add("-watchdog-action", Action(watchdog));
    }

    internal static Properties Device(WatchdogSpec watchdog, BusNames bus) =>
        bus.AddAddress(Properties.OfDevice(watchdog.Model).Text("id", watchdog.Alias), watchdog.Address);

    /// <summary>QEMU cannot dump: it pauses, and the owner dumps when it sees the WATCHDOG event.</summary>
    internal static string Action(WatchdogSpec watchdog) => watchdog.Action == "dump" ? "pause" : watchdog.Action;
}
