using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// Leaves out what libvirt has added by itself since its early days, so that an old destination still understands the XML; every
/// libvirt, and we, add the same again on arrival.
/// </summary>
internal static class MigratableForm
{
    public static void Reduce(XElement domain)
    {
        var devices = domain.Element("devices");
        if (devices is null)
            return;
        devices.Elements("input").Where(input => input.Get("type") == "keyboard" && input.Get("bus") == "ps2").Remove();

        ControllerCompletion.GroupByType(devices);
        // Old libvirts know a VNC socket as an attribute only.
        devices.Elements("graphics").Elements("listen").Where(listen => listen.Get("type") == "socket").Remove();

        var os = MachineReading.Os(domain.Element("os"));
        if (Only("usb") is { } usb && os.IsI440Fx && usb.Int("index") == 0 && usb.Get("model") is null or "piix3-uhci" && usb.Element("alias") is null)
            usb.Remove();
        if (Only("pci") is { } pci && pci.Int("index") == 0 && pci.Get("model") == "pci-root" && pci.Element("alias") is null
            && pci.Element("pcihole64") is null)
        {
            pci.Remove();
        }

        // Before libvirt 7.0 there was no <audio>; "none" is what every VNC guest has anyway.
        if (devices.Elements("audio").ToList() is [var audio] && audio.Get("type") == "none" && audio.Get("id") == "1")
            audio.Remove();
        // pconfig was never really part of that model, and old libvirts believe it was.
        if (domain.Element("cpu") is { } cpu && cpu.Get("mode") == "custom" && cpu.Text("model") == "Icelake-Server")
        {
            if (cpu.Elements("feature").FirstOrDefault(feature => feature.Get("name") == "pconfig") is { } pconfig)
                pconfig.SetAttributeValue("policy", "disable");
            else
                cpu.Add(new XElement("feature", new XAttribute("policy", "disable"), new XAttribute("name", "pconfig")));
        }

        XElement? Only(string type) => devices.Elements("controller").Where(controller => controller.Get("type") == type).Take(2).ToList() is [var one] ? one : null;
    }
}
