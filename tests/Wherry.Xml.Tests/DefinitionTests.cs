using System.Xml.Linq;

namespace Wherry.Xml.Tests;

/// <summary>
/// Each tests/data/domainxml/NAME.xml, completed, must read exactly as NAME.define.xml, which a stock libvirtd 9.0 wrote for it
/// (the interop tests write and check those files).
/// </summary>
public sealed class DefinitionTests
{
    public static TheoryData<string> Definitions => new(DomainXmlData.Names);

    [Theory]
    [MemberData(nameof(Definitions))]
    public void A_definition_is_completed_exactly_as_libvirt_completes_it(string name)
    {
        var ours = DomainDocument.Parse(DomainXmlData.Input(name)).Complete(DomainXmlData.Context);
        Assert.Equal(DomainXmlData.Stock(name, "define"), DomainXmlData.WithoutGenerated(ours.ToXml(), name));
    }

    [Theory]
    [MemberData(nameof(Definitions))]
    public void Completing_a_complete_definition_changes_nothing_but_the_order_of_controllers(string name)
    {
        var once = DomainDocument.Parse(DomainXmlData.Input(name)).Complete(DomainXmlData.Context).ToXml(DomainXmlFlags.Secure);
        var twice = DomainDocument.Parse(once).Complete(DomainXmlData.Context).ToXml(DomainXmlFlags.Secure);
        Assert.Equal(WithSortedControllers(once), WithSortedControllers(twice));
    }

    [Theory]
    [MemberData(nameof(Definitions))]
    public void The_migratable_form_completes_to_the_same_hardware_on_arrival(string name)
    {
        var definition = DomainDocument.Parse(DomainXmlData.Input(name)).Complete(DomainXmlData.Context);
        var sent = definition.ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Migratable);
        var arrived = DomainDocument.Parse(sent).Complete(DomainXmlData.Context with { NewDomain = false });
        Assert.Equal(WithSortedControllers(definition.ToXml(DomainXmlFlags.Secure)), WithSortedControllers(arrived.ToXml(DomainXmlFlags.Secure)));
    }

    // libvirt appends the controllers it adds, and groups them by type when it reads them again: their order says nothing.
    private static string WithSortedControllers(string xml)
    {
        var domain = XElement.Parse(xml);
        var controllers = domain.Element("devices")!.Elements("controller").ToList();
        controllers.Remove();
        domain.Element("devices")!.Add(controllers.OrderBy(controller => controller.ToString(), StringComparer.Ordinal));
        return domain.ToString();
    }
}
