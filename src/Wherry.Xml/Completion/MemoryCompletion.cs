using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;
using Wherry.Errors;

namespace Wherry.Xml;

/// <summary>
/// Completes the sizes of a guest's memory. <c>&lt;memory&gt;</c> is all of it: the NUMA cells, or what it boots with, and the modules.
/// </summary>
internal static class MemoryCompletion
{
    public static void Complete(XElement domain, CompletionContext context)
    {
        CheckBacking(domain);
        CompleteCells(domain);
        var modules = Modules(domain).Aggregate(0UL, (sum, module) => sum + SizeOf(module).Bytes);
        var given = MemoryReading.Size(domain.Element("memory"))?.Bytes ?? 0;
        var cells = Cells(domain).Aggregate(0UL, (sum, cell) => sum + cell.Memory.Bytes);
        if (cells > 0 && (context.NewDomain || given == 0))
            given = cells + modules;
        else if (modules > given)
            throw DomainXmlException.Invalid("Total size of memory devices exceeds the total memory size", domain);
        if (given == modules)
            throw DomainXmlException.Invalid("Memory size must be specified via <memory> or in the <numa> configuration", domain);

        var total = new ByteSize(given);
        SetSize(domain, "memory", total);
        var current = MemoryReading.Size(domain.Element("currentMemory"));
        SetSize(domain, "currentMemory", current is not { Bytes: > 0 } || current > total ? total : current.Value);
        CompleteMaximum(domain, total);
    }

    /// <summary>Memory that is shared or is not, without being a memfd, would be a file in a directory of the host.</summary>
    private static void CheckBacking(XElement domain)
    {
        if (domain.Element("memoryBacking") is { } backing && backing.Element("access") is { } access && backing.Get("source", "type") != "memfd")
            throw DomainXmlException.NotImplemented(access.Path(), "<access> without <source type='memfd'/>");
    }

    /// <summary>Modules of a definition: each has its slot, and there is room for all of them.</summary>
    public static void CompleteModules(DomainTree tree)
    {
        var modules = Modules(tree.Domain).ToList();
        foreach (var module in modules)
            CheckForm(module);
        if (Maximum(tree.Domain) is not null)
        {
            foreach (var module in modules)
                AssignSlot(module, tree);
        }

        CheckRoom(tree, plugged: null);
        foreach (var module in modules)
            CheckNode(module, tree);
    }

    public static void CheckForm(XElement module)
    {
        module.Required("model");
        if (module.Element("target") is not { } target)
            throw DomainXmlException.Invalid("missing <target> element for <memory> device", module);
        if (target.Element("size") is null)
            throw DomainXmlException.Invalid("missing element or attribute './size'", module);
    }

    /// <summary>The node that a module names has to be there.</summary>
    public static void CheckNode(XElement module, DomainTree tree)
    {
        if (Node(module) is not { } node)
            return;
        var cells = Cells(tree.Domain).Length;
        if (cells == 0)
            throw DomainXmlException.Of(ErrorCode.XmlDetail, "can't add memory backend as guest has no NUMA nodes configured", module);
        if (node >= cells)
        {
            throw DomainXmlException.Of(
                ErrorCode.XmlDetail,
                $"can't add memory backend for guest node '{node}' as the guest has only '{cells}' NUMA nodes configured",
                module);
        }
    }

    /// <summary>A module that comes into a running guest or a definition.</summary>
    /// <param name="replaced">The module that it takes the place of; null for none.</param>
    public static void CheckNew(XElement module, DomainTree tree, XElement? replaced)
    {
        if (Maximum(tree.Domain) is not { } maximum)
            throw DomainXmlException.Unsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined");
        var size = SizeOf(module);
        if (replaced is null && (Total(tree.Domain).KiB + size.KiB) > maximum.Size.KiB)
        {
            throw DomainXmlException.Unsupported(
                $"Attaching memory device with size '{size.KiB}' would exceed domain's maxMemory config size '{maximum.Size.KiB}'");
        }
    }

    /// <summary>Prepares a module for a running guest: its size in whole MiB, and its slot.</summary>
    public static void Plan(XElement module, DomainTree tree)
    {
        SetSize(module.Element("target")!, "size", Align(SizeOf(module), 1)); // ! : completed
        CheckRoom(tree, module);
        AssignSlot(module, tree);
    }

    public static IEnumerable<XElement> Modules(XElement domain) => domain.Element("devices")?.Elements("memory") ?? [];

    public static ByteSize SizeOf(XElement module) => MemoryReading.Size(module.Element("target")?.Element("size")) ?? default;

    public static int? Node(XElement module) =>
        module.Element("target")?.Text("node") is { } node ? int.Parse(node, NumberStyles.None, CultureInfo.InvariantCulture) : null;

    public static ByteSize Align(ByteSize size, ulong mib)
    {
        var unit = mib << 20;
        return new ByteSize((size.Bytes + unit - 1) / unit * unit);
    }

    public static ByteSize Total(XElement domain) => MemoryReading.Size(domain.Element("memory")) ?? default;

    /// <summary>What the guest boots with.</summary>
    public static ByteSize Initial(XElement domain) =>
        new(Total(domain).Bytes - Modules(domain).Aggregate(0UL, (sum, module) => sum + SizeOf(module).Bytes));

    public static void SetSize(XElement parent, string name, ByteSize size)
    {
        var element = DomainTree.Child(parent, name);
        element.SetAttributeValue("unit", "KiB");
        element.Value = size.KiB.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>A module is gone; what the balloon leaves is cut down to what is left.</summary>
    public static void TakeAway(XElement domain, ByteSize size)
    {
        var total = new ByteSize(Total(domain).Bytes - size.Bytes);
        SetSize(domain, "memory", total);
        if (MemoryReading.Size(domain.Element("currentMemory")) > total)
            SetSize(domain, "currentMemory", total);
    }

    public static MaxMemorySpec? Maximum(XElement domain) =>
        domain.Element("maxMemory") is { } maximum && MemoryReading.Size(maximum) is { } size
            ? new MaxMemorySpec(size, maximum.Number("slots") ?? 0)
            : null;

    public static ImmutableArray<NumaCellSpec> Cells(XElement domain) =>
    [
        .. from cell in domain.Element("cpu")?.Element("numa")?.Elements("cell") ?? []
           select new NumaCellSpec(
               cell.Int("id") ?? 0,
               cell.Get("cpus") is { } cpus ? CpuList.Parse(cpus) : [],
               MemoryReading.Scale(cell.BigNumber("memory") ?? 0, cell.Get("unit") ?? "KiB", cell)),
    ];

    /// <summary>Numbers the cells; CPUs that none of them has belong to the first.</summary>
    private static void CompleteCells(XElement domain)
    {
        if (domain.Element("cpu")?.Element("numa") is not { } numa)
            return;
        var cells = numa.Elements("cell").ToList();
        if (cells.Count == 0)
            throw DomainXmlException.Invalid("NUMA topology defined without NUMA cells", numa);
        for (var place = 0; place < cells.Count; place++)
        {
            var id = cells[place].Int("id") ?? place;
            if (id >= cells.Count)
            {
                throw DomainXmlException.Invalid(
                    "Exactly one 'cell' element per guest NUMA cell allowed, non-contiguous ranges or ranges not starting from 0 are not allowed", numa);
            }

            if (cells.Take(place).Any(other => other.Int("id") == id))
                throw DomainXmlException.Invalid($"Duplicate NUMA cell info for cell id '{id}'", numa);
            cells[place].SetAttributeValue("id", DomainTree.Text(id));
            if (cells[place].Get("memory") is null)
                throw DomainXmlException.Invalid("missing element or attribute './@memory'", cells[place]);
        }

        numa.ReplaceNodes(cells.OrderBy(cell => cell.Int("id")));
        CompleteCpus(domain, [.. numa.Elements("cell")]);
    }

    private static void CompleteCpus(XElement domain, IReadOnlyList<XElement> cells)
    {
        var maximum = MachineReading.Vcpu(domain.Element("vcpu")).Maximum;
        var sets = Cells(domain);
        for (var cell = 0; cell < cells.Count; cell++)
        {
            for (var before = 0; before < cell; before++)
            {
                if (!sets[cell].Cpus.Intersect(sets[before].Cpus).IsEmpty)
                    throw DomainXmlException.Unsupported($"NUMA cells {cell} and {before} have overlapping vCPU ids", cells[cell]);
            }
        }

        var all = sets.SelectMany(cell => cell.Cpus).ToImmutableSortedSet();
        if (all.Count > maximum)
            throw DomainXmlException.Internal("Number of CPUs in <numa> exceeds the <vcpu> count");
        if (!all.IsEmpty && all.Max >= maximum)
            throw DomainXmlException.Internal("CPU IDs in <numa> exceed the <vcpu> count");
        if (all.Count < maximum)
            cells[0].SetAttributeValue("cpus", CpuList.Write(Enumerable.Range(0, maximum).ToImmutableSortedSet().Except(all).Union(sets[0].Cpus)));
    }

    private static void CompleteMaximum(XElement domain, ByteSize total)
    {
        if (domain.Element("maxMemory") is not { } element)
            return;
        var maximum = Maximum(domain);
        if (maximum is null or { Size.Bytes: 0, Slots: 0 })
        {
            element.Remove();
            return;
        }

        if (maximum.Size.Bytes == 0 || maximum.Slots == 0)
            throw DomainXmlException.Invalid("both maximum memory size and memory slot count must be specified", element);
        if (maximum.Size < total)
            throw DomainXmlException.Invalid("maximum memory size must be equal or greater than the actual memory size", element);
    }

    private static void CheckRoom(DomainTree tree, XElement? plugged)
    {
        var modules = Modules(tree.Domain).ToList();
        if (plugged is not null)
            CheckPlace(plugged, tree);
        var maximum = Maximum(tree.Domain);
        if (maximum is null)
        {
            if (modules.Count > 0 || plugged is not null)
                throw DomainXmlException.Unsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined");
            return;
        }

        if (Cells(tree.Domain).IsEmpty)
            throw DomainXmlException.Unsupported("At least one numa node has to be configured when enabling memory hotplug");
        var count = modules.Count + (plugged is null ? 0 : 1);
        if (count > maximum.Slots)
            throw DomainXmlException.Unsupported($"memory device count '{count}' exceeds slots count '{maximum.Slots}'");
        foreach (var module in plugged is null ? modules : [])
            CheckPlace(module, tree);
        var there = modules.Aggregate(0UL, (sum, module) => sum + SizeOf(module).KiB);
        if (there + (plugged is null ? 0 : SizeOf(plugged).KiB) > maximum.Size.KiB - Initial(tree.Domain).KiB)
            throw DomainXmlException.Unsupported("memory device total size exceeds hotplug space");
    }

    private static void CheckPlace(XElement module, DomainTree tree)
    {
        var place = module.Place();
        if (place is not (null or DeviceAddress.Dimm))
            throw DomainXmlException.Unsupported("only 'dimm' addresses are supported for the pc-dimm device", module);
        if (Node(module) is null && !Cells(tree.Domain).IsEmpty)
            throw DomainXmlException.Unsupported("target NUMA node needs to be specified for memory device", module);
        if (place is not DeviceAddress.Dimm dimm)
            return;
        if (dimm.Slot >= Maximum(tree.Domain)?.Slots)
            throw DomainXmlException.Unsupported($"memory device slot '{dimm.Slot}' exceeds slots count '{Maximum(tree.Domain)!.Slots}'", module);
        foreach (var other in Modules(tree.Domain).Where(other => other != module).Select(other => other.Place()).OfType<DeviceAddress.Dimm>())
        {
            if (other.Slot == dimm.Slot)
                throw DomainXmlException.Unsupported($"memory device slot '{dimm.Slot}' is already being used by another memory device", module);
            if (dimm.Base != 0 && other.Base == dimm.Base)
                throw DomainXmlException.Unsupported($"memory device base '0x{dimm.Base:x}' is already being used by another memory device", module);
        }
    }

    private static void AssignSlot(XElement module, DomainTree tree)
    {
        if (module.Element("address") is not null)
            return;
        var taken = Modules(tree.Domain).Select(other => (other.Place() as DeviceAddress.Dimm)?.Slot).ToHashSet();
        var slot = 0U;
        while (taken.Contains(slot))
            slot++;
        if (slot >= Maximum(tree.Domain)?.Slots)
            throw DomainXmlException.Internal("failed to find an empty memory slot", module);
        module.Add(new XElement("address", new XAttribute("type", "dimm"), new XAttribute("slot", slot.ToString(CultureInfo.InvariantCulture))));
    }
}
