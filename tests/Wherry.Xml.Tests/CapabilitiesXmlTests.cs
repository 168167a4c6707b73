using System.Xml.Linq;

namespace Wherry.Xml.Tests;

public sealed class CapabilitiesXmlTests
{
    /// <summary>tests/data/capabilities/stock.xml is what stock libvirt 9.0 wrote on a small machine, with most features and machines taken out.</summary>
    [Fact]
    public void The_facts_in_stock_capabilities_are_written_as_stock_writes_them()
    {
        var stock = File.ReadAllText(Path.Combine(DomainXmlData.Root, "tests/data/capabilities/stock.xml"));
        Assert.Equal(stock, CapabilitiesXml.Write(Read(XElement.Parse(stock))));
    }

    private static CapabilitiesSpec Read(XElement capabilities)
    {
        var host = capabilities.Element("host")!;
        var cpu = host.Element("cpu")!;
        var topology = cpu.Element("topology")!;
        return new CapabilitiesSpec
        {
            HostUuid = Guid.Parse(host.Element("uuid")!.Value),
            Cpu = new CapabilitiesCpu(
                cpu.Element("arch")!.Value,
                cpu.Element("model")!.Value,
                cpu.Element("vendor")?.Value,
                (long?)cpu.Element("microcode")?.Attribute("version"),
                (int)cpu.Element("signature")!.Attribute("family")!,
                (int)cpu.Element("signature")!.Attribute("model")!,
                (int)cpu.Element("signature")!.Attribute("stepping")!,
                new CpuTopologySpec(
                    (int)topology.Attribute("sockets")!, (int)topology.Attribute("dies")!, (int)topology.Attribute("cores")!, (int)topology.Attribute("threads")!),
                (int?)cpu.Element("maxphysaddr")?.Attribute("bits"),
                [.. cpu.Elements("feature").Select(feature => (string)feature.Attribute("name")!)],
                [.. cpu.Elements("pages").Select(pages => (uint)pages.Attribute("size")!)])
            {
                TscFrequency = (ulong?)cpu.Element("counter")?.Attribute("frequency"),
                TscScaling = (string?)cpu.Element("counter")?.Attribute("scaling") == "yes",
            },
            Cells = [.. host.Descendants("cell").Select(Cell)],
            Caches = [.. host.Descendants("bank").Select(bank => new CapabilitiesCache(
                (uint)bank.Attribute("id")!,
                (uint)bank.Attribute("level")!,
                (string)bank.Attribute("type")!,
                (ulong)bank.Attribute("size")! << 20,
                (string)bank.Attribute("cpus")!))],
            SecurityModels = [.. host.Elements("secmodel").Select(model => new CapabilitiesSecurityModel(
                model.Element("model")!.Value,
                model.Element("doi")!.Value,
                [.. model.Elements("baselabel").Select(label => ((string)label.Attribute("type")!, label.Value))]))],
            Guests = [.. capabilities.Elements("guest").Select(guest => guest.Element("arch")!).Select(arch => new CapabilitiesGuest(
                (string)arch.Attribute("name")!,
                (int)arch.Element("wordsize")!,
                arch.Element("emulator")!.Value,
                [.. arch.Elements("machine").Select(machine => new CapabilitiesMachine(
                    machine.Value,
                    (string?)machine.Attribute("canonical"),
                    (int)machine.Attribute("maxCpus")!,
                    machine.Attribute("deprecated") is not null))],
                [.. arch.Elements("domain").Select(domain => (string)domain.Attribute("type")!)]))],
        };
    }

    private static CapabilitiesCell Cell(XElement cell) => new(
        (int)cell.Attribute("id")!,
        (ulong)cell.Element("memory")!,
        [.. cell.Elements("pages").Select(pages => ((uint)pages.Attribute("size")!, (ulong)pages))],
        [.. cell.Descendants("sibling").Select(sibling => ((int)sibling.Attribute("id")!, (int)sibling.Attribute("value")!))],
        [.. cell.Descendants("cpu").Select(one => new CapabilitiesHostCpu(
            (int)one.Attribute("id")!, (int)one.Attribute("socket_id")!, (int)one.Attribute("die_id")!, (int)one.Attribute("core_id")!, (string)one.Attribute("siblings")!))]);
}
