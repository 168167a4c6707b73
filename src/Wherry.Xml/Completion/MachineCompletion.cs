using System.Globalization;
using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>Completes what is not a device.</summary>
internal static class MachineCompletion
{
    private const int MaxBootDevices = 4;

    private static readonly string[] Actions = ["destroy", "restart", "rename-restart", "preserve", "coredump-destroy", "coredump-restart"];

    public static QemuCatalog FindCatalog(XElement domain, CompletionContext context)
    {
        var type = domain.Element("os")?.Element("type");
        if (type is null)
            throw DomainXmlException.Invalid("an os <type> must be specified", domain);
        if (type.Value != "hvm")
            throw DomainXmlException.NotImplemented(type.Path(), $"os type '{type.Value}'");

        var arch = type.Get("arch") ?? "x86_64";
        var emulator = domain.Element("devices")?.Text("emulator");
        return context.FindCatalog(emulator, arch)
            ?? throw (emulator is null
                ? DomainXmlException.Unsupported($"No emulator found for arch '{arch}'", type)
                : DomainXmlException.Of(ErrorCode.SystemError, $"Cannot check QEMU binary {emulator}: No such file or directory", type));
    }

    public static void Complete(DomainTree tree, CompletionContext context)
    {
        CheckName(tree.Domain);
        SetText(tree.Domain, "uuid", tree.Domain.Text("uuid") ?? SmbiosShape.SystemUuid(tree.Domain) ?? context.NewUuid().ToString("D"));
        if (tree.Domain.Element("genid") is { IsEmpty: true } generation)
            generation.Value = context.NewUuid().ToString("D");
        if (tree.Domain.Text("title")?.Contains('\n', StringComparison.Ordinal) == true)
            throw DomainXmlException.Invalid("Domain title can't contain newlines", tree.Domain.Element("title"));
        CompleteVcpus(tree.Domain);
        MemoryCompletion.Complete(tree.Domain, context);
        IoThreadCompletion.Complete(tree.Domain);
        CompleteMachine(tree);
        FirmwareCompletion.Complete(tree, context);
        CompleteFeatures(tree.Domain);
        CpuCompletion.Complete(tree);
        CompleteClock(tree.Domain);
        CompleteActions(tree.Domain);
        // The labels of a dynamic seclabel belong to one run.
        foreach (var seclabel in tree.Domain.Elements("seclabel").Where(seclabel => seclabel.Get("type") is null or "dynamic"))
        {
            seclabel.Elements("label").Remove();
            seclabel.Elements("imagelabel").Remove();
        }

        if (tree.Devices.Text("emulator") is null)
            tree.Add(new XElement("emulator", tree.Catalog.Emulator));
    }

    /// <summary>Boots from disk unless something says otherwise; a device's own order and the list exclude each other.</summary>
    public static void CompleteBoot(DomainTree tree)
    {
        var orders = tree.Devices.Elements().Select(device => device.Get("boot", "order")).OfType<string>().ToList();
        if (orders.GroupBy(order => order, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw DomainXmlException.Unsupported($"boot order '{twice.Key}' used for more than one device");
        var os = tree.Domain.Element("os")!;
        if (os.Elements("boot").Any() && orders.Count > 0)
            throw DomainXmlException.Unsupported("per-device boot elements cannot be used together with os/boot elements", os);
        if (!os.Elements("boot").Any() && orders.Count == 0)
            os.Add(new XElement("boot", new XAttribute("dev", "hd")));
        os.Elements("boot").Skip(MaxBootDevices).Remove();
    }

    private static void CheckName(XElement domain)
    {
        var name = domain.Text("name") ?? throw DomainXmlException.Of(ErrorCode.NoName, domain);
        if (name.Contains('/', StringComparison.Ordinal))
            throw DomainXmlException.Invalid($"name {name} cannot contain '/'", domain.Element("name"));
        if (name.Contains('\n', StringComparison.Ordinal))
            throw DomainXmlException.Of(ErrorCode.XmlDetail, "invalid char in name: \n", domain.Element("name"));
        // Files are named for it.
        if (name is "." or "..")
            throw DomainXmlException.Invalid($"name {name} cannot be used", domain.Element("name"));
    }

    private static void CompleteVcpus(XElement domain)
    {
        if (domain.Element("vcpu") is null)
            domain.Add(new XElement("vcpu", new XAttribute("placement", "static"), "1"));
        var vcpu = domain.Element("vcpu")!;
        var spec = MachineReading.Vcpu(vcpu);
        if (spec.Current > spec.Maximum)
            throw DomainXmlException.Unsupported("maximum vCPU count must not be less than current vCPU count", vcpu);
        CheckVcpus(spec, vcpu);
        vcpu.SetAttributeValue("current", spec.Current == spec.Maximum ? null : spec.Current.ToString(CultureInfo.InvariantCulture));
        domain.Elements("vcpus").Remove();
        if (!spec.OneByOne.IsEmpty)
            domain.Add(new XElement("vcpus", spec.OneByOne.Select(VcpuState.ToElement)));
        if (vcpu.Get("placement") == "auto")
            vcpu.SetAttributeValue("cpuset", null);
        else if (vcpu.Get("cpuset") is { } cpus)
            vcpu.SetAttributeValue("cpuset", CpuSetText.Canonical(cpus, vcpu));
        foreach (var pin in domain.Element("cputune")?.Elements().Where(element => element.Get("cpuset") is not null) ?? [])
            pin.SetAttributeValue("cpuset", CpuSetText.Canonical(pin.Get("cpuset")!, pin));
    }

    /// <summary>QEMU starts with a number of CPUs, in order; only those behind them can be plugged one by one.</summary>
    private static void CheckVcpus(VcpuSpec spec, XElement vcpu)
    {
        var all = spec.All;
        if (!all[0].IsEnabled)
            throw DomainXmlException.Unsupported("vcpu 0 can't be offline", vcpu);
        if (all[0].IsHotpluggable)
            throw DomainXmlException.Unsupported("vcpu0 can't be hotpluggable", vcpu);
        if (all[0].Order > 1)
            throw DomainXmlException.Unsupported("vcpu0 must be enabled first", vcpu);
        for (var i = 1; i < all.Length; i++)
        {
            if (all[i].IsEnabled && (all[i].Order != 0) != (all[0].Order != 0))
                throw DomainXmlException.Unsupported("all vcpus must have either set or unset order", vcpu);
            if (all[i].IsHotpluggable)
                continue;
            if (all[i - 1].IsHotpluggable)
                throw DomainXmlException.Unsupported("online non-hotpluggable vcpus need to be ordered prior to hotplugable vcpus", vcpu);
            if (all[i - 1].Order > all[i].Order)
                throw DomainXmlException.Unsupported("online non-hotpluggable vcpus must be ordered in ascending order", vcpu);
        }
    }

    private static void CompleteMachine(DomainTree tree)
    {
        var os = tree.Domain.Element("os")!;
        var type = os.Element("type")!;
        var arch = type.Get("arch") ?? tree.Catalog.Arch;
        var machine = tree.Catalog.Canonical(type.Get("machine") ?? tree.Catalog.DefaultMachine);
        if (tree.Catalog.DefaultCpus.Count > 0 && !tree.Catalog.DefaultCpus.ContainsKey(machine))
        {
            throw DomainXmlException.InvalidArgument(
                $"could not find capabilities for arch={arch} machinetype={machine} of emulator '{tree.Catalog.Emulator}'", type);
        }

        type.ReplaceAttributes(new XAttribute("arch", arch), new XAttribute("machine", machine));
        if (!tree.Os.IsI440Fx && !tree.Os.IsQ35)
            throw DomainXmlException.NotImplemented(type.Path() + "/@machine", $"machine '{machine}'");
        if (tree.Catalog.MaxCpus.TryGetValue(machine, out var most) && MachineReading.Vcpu(tree.Domain.Element("vcpu")).Maximum > most)
            throw DomainXmlException.Unsupported($"Maximum CPUs greater than specified machine type limit {most}", tree.Domain.Element("vcpu"));

        if (os.Element("bootmenu") is { } menu)
        {
            if (menu.Get("enable") is null)
                menu.Remove();
            else if (menu.Get("enable") == "no")
                menu.SetAttributeValue("timeout", null);
        }
    }

    private static void CompleteFeatures(XElement domain)
    {
        if (domain.Element("features") is not { } features)
            return;
        if (features.Element("hyperv") is { } hyperv)
        {
            if (hyperv.Get("spinlocks", "state") == "off")
                hyperv.Element("spinlocks")!.SetAttributeValue("retries", null);
            if (hyperv.Get("vendor_id", "state") == "off")
                hyperv.Element("vendor_id")!.SetAttributeValue("value", null);
            if (hyperv.Element("stimer") is { } stimer && (stimer.Get("state") == "off" || stimer.Get("direct", "state") == "off"))
                stimer.RemoveNodes();
        }
    }

    private static void CompleteClock(XElement domain)
    {
        if (domain.Element("clock") is null)
            domain.Add(new XElement("clock", new XAttribute("offset", "utc")));
        var clock = domain.Element("clock")!;
        var offset = clock.Get("offset")!;
        var adjustment = clock.Get("adjustment");
        if (offset is "utc" or "localtime")
        {
            // An adjusted clock is a variable one whose basis was given by its old name.
            if (adjustment is not null && adjustment != "reset")
            {
                clock.ReplaceAttributes(new XAttribute("offset", "variable"), new XAttribute("adjustment", Seconds()), new XAttribute("basis", offset));
                offset = "variable";
            }
            else
            {
                clock.SetAttributeValue("basis", null);
            }
        }
        else if (offset == "variable")
        {
            clock.SetAttributeValue("adjustment", adjustment is null ? "0" : Seconds());
            clock.SetAttributeValue("basis", clock.Get("basis") ?? "utc");
        }
        else
        {
            if (clock.Get("timezone") is null)
                throw DomainXmlException.Internal("missing 'timezone' attribute for clock with offset='timezone'", clock);
            clock.SetAttributeValue("adjustment", null);
            clock.SetAttributeValue("basis", null);
        }

        if (offset != "timezone")
            clock.SetAttributeValue("timezone", null);
        foreach (var timer in clock.Elements("timer"))
            CheckTimer(timer);

        string Seconds() => Values.Long(adjustment) ?? throw DomainXmlException.Invalid($"unknown clock adjustment '{adjustment}'", clock);
    }

    private static void CheckTimer(XElement timer)
    {
        var name = timer.Required("name");
        Refuse(name is "kvmclock" or "hypervclock", "tickpolicy");
        Refuse(name != "tsc", "frequency");
        Refuse(name != "tsc", "mode");
        Refuse(name is not ("platform" or "rtc"), "track");

        void Refuse(bool when, string attribute)
        {
            if (when && timer.Get(attribute) is not null)
                throw DomainXmlException.Unsupported($"timer {name} doesn't support setting of timer {attribute}", timer);
        }
    }

    private static void CompleteActions(XElement domain)
    {
        var onReboot = Complete("on_reboot", "restart");
        var onPoweroff = Complete("on_poweroff", "destroy");
        var onCrash = Complete("on_crash", "destroy");
        LifecycleActions.CheckAllowed(LifecycleOccasion.Poweroff, onPoweroff);
        LifecycleActions.CheckAllowed(LifecycleOccasion.Reboot, onReboot);
        LifecycleActions.CheckTogether(onPoweroff, onReboot, onCrash);

        LifecycleAction Complete(string name, string otherwise)
        {
            SetText(domain, name, domain.Text(name) ?? otherwise);
            if (!Actions.Contains(domain.Text(name)))
                throw DomainXmlException.Unsupported($"unknown {name} action: {domain.Text(name)}", domain.Element(name));
            return MachineReading.Action(domain, name, LifecycleAction.Destroy);
        }
    }

    private static void SetText(XElement domain, string name, string text)
    {
        domain.Elements(name).Remove();
        domain.Add(new XElement(name, text));
    }
}
