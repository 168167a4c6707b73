using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Completes <c>&lt;cpu&gt;</c>: which model, how it is matched, and how far QEMU's result is checked.</summary>
internal static class CpuCompletion
{
    private const int VendorIdLength = 12;

    public static void Complete(DomainTree tree)
    {
        if (tree.Domain.Element("cpu") is { } given)
            Check(given, tree);
        SetDefaultModel(tree);
        if (tree.Domain.Element("cpu") is not { } cpu)
            return;

        var mode = cpu.Get("mode") ?? "custom";
        if (mode == "custom" && cpu.Text("model") is null)
        {
            // Only a topology or a cache: there is no model to say anything about.
            cpu.RemoveAttributes();
            return;
        }

        cpu.SetAttributeValue("mode", mode);
        cpu.SetAttributeValue("match", mode == "custom" ? cpu.Get("match") ?? "exact" : null);
        if (mode == "host-passthrough" && cpu.Get("migratable") is null)
            cpu.SetAttributeValue("migratable", "on");
        cpu.SetAttributeValue("check", cpu.Get("check") ?? mode switch
        {
            "host-model" => "partial",
            // A CPU that QEMU emulates does not depend on what the host has.
            "custom" when tree.IsKvm => "partial",
            _ => "none",
        });

        if (mode is "custom" or "host-model")
        {
            // A fallback without a model is about nothing; custom without a model does not come this far.
            cpu.Elements("model").Where(model => model.Value.Length == 0).Remove();
            if (cpu.Element("model") is { } model && model.Get("fallback") is null && model.Value.Length > 0)
                model.SetAttributeValue("fallback", "allow");
        }
        else
        {
            cpu.Elements("model").Remove();
            cpu.Elements("vendor").Remove();
        }

        foreach (var feature in cpu.Elements("feature").Where(feature => feature.Get("policy") is null))
            feature.SetAttributeValue("policy", "require");
    }

    private static void Check(XElement cpu, DomainTree tree)
    {
        var mode = cpu.Get("mode") ?? "custom";
        if (cpu.Get("migratable") is not null && mode is not ("host-passthrough" or "maximum"))
            throw DomainXmlException.Unsupported("Attribute migratable is only allowed for 'host-passthrough' / 'maximum' CPU mode", cpu);
        var custom = mode == "custom" && cpu.Text("model") is null;
        if (custom && cpu.Elements("feature").Any())
            throw DomainXmlException.Invalid("Non-empty feature list specified without CPU model", cpu);
        if (custom && cpu.Get("check") is not null)
            throw DomainXmlException.Unsupported("check attribute specified for CPU with no model", cpu);
        if (cpu.Text("vendor") is not null && cpu.Text("model") is null)
            throw DomainXmlException.Invalid("CPU vendor specified without CPU model", cpu);
        if (cpu.Get("model", "vendor_id") is { } vendor && vendor.Length != VendorIdLength)
            throw DomainXmlException.Invalid($"vendor_id must be exactly {VendorIdLength} characters long", cpu);
        if (cpu.Elements("feature").GroupBy(feature => feature.Get("name"), StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw DomainXmlException.Invalid($"CPU feature '{twice.Key}' specified more than once", cpu);
        if (cpu.Element("topology") is { } topology)
        {
            var spec = MachineReading.Cpu(cpu).Topology!;
            if (topology.Get("sockets") is null || topology.Get("cores") is null || topology.Get("threads") is null)
                throw DomainXmlException.Invalid("Missing required attribute in element 'topology'", topology);
            var cpus = MachineReading.Vcpu(tree.Domain.Element("vcpu")).Maximum;
            if ((long)spec.Sockets * spec.Dies * spec.Cores * spec.Threads != cpus)
                throw DomainXmlException.Unsupported("CPU topology doesn't match maximum vcpu count", topology);
        }
    }

    private static void SetDefaultModel(DomainTree tree)
    {
        var cpu = tree.Domain.Element("cpu");
        if (cpu is not null && (cpu.Get("mode") is not (null or "custom") || cpu.Text("model") is not null))
            return;
        var machine = tree.Catalog.Canonical(tree.Os.Machine!);
        if (tree.Catalog.DefaultCpus.GetValueOrDefault(machine) is not { } model)
            return;
        if (cpu is null)
            tree.Domain.Add(cpu = new XElement("cpu"));
        cpu.SetAttributeValue("mode", "custom");
        cpu.SetAttributeValue("match", "exact");
        // The default model may ask for more than the host has; QEMU then leaves that out, and the live XML says what it left.
        cpu.SetAttributeValue("check", "none");
        cpu.Elements("model").Remove();
        cpu.AddFirst(new XElement("model", new XAttribute("fallback", "forbid"), model));
    }
}
