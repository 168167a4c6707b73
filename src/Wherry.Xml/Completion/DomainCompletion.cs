using System.Xml.Linq;

namespace Wherry.Xml;

//  what a client wrote
//     │ Normalise            known elements only, libvirt's order and spelling; refusals
//     ▼
//  MachineCompletion         name, uuid, memory, vcpus, boot, features, clock, machine, CPU
//  DeviceCompletion          per device: defaults, ports, disk addresses (from their target names)
//  ImplicitDevices           what a PC always has: inputs, USB, SATA, PCI root, balloon, audio, controllers for what was asked
//     │                      (libvirt's order of these steps is visible in the result, so it is kept)
//     ▼
//  VirtioSerialPorts, PciTopology, UsbPorts        addresses
//     │ Normalise            puts what was added into its place
//     ▼
//  what libvirt 9.0 would show

public sealed partial class DomainDocument
{
    /// <summary>
    /// The complete definition: everything libvirt 9.0 adds when a domain is defined, so that the guest's hardware is spelled out
    /// and never changes again by itself. Completing a complete document changes nothing.
    /// </summary>
    /// <exception cref="DomainXmlException">The definition is invalid, or asks for something this daemon cannot bring about.</exception>
    public DomainDocument Complete(CompletionContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (Root.Elements().FirstOrDefault(element => element.Name.Namespace == DomainShape.QemuNamespace) is { } raw)
            throw DomainXmlException.NotImplemented(raw.Path(), $"<{raw.GetPrefixOfNamespace(raw.Name.Namespace)}:{raw.Name.LocalName}>");

        if (Root.Get("type") is null)
            throw DomainXmlException.Internal("missing domain type attribute", Root);
        var domain = Normalisation.Normalise(Root, DomainShape.Domain);
        domain.SetAttributeValue("id", null);
        if (domain.Element("devices") is null)
            domain.Add(new XElement("devices"));
        var tree = new DomainTree(domain, MachineCompletion.FindCatalog(domain, context));

        MachineCompletion.Complete(tree, context);
        DeviceCompletion.Sort(tree);
        ControllerCompletion.Prepare(tree);
        ImplicitDevices.AddMachine(tree);
        DeviceCompletion.Complete(tree, context);
        MachineCompletion.CompleteBoot(tree);
        ImplicitDevices.AddForDevices(tree);

        VirtioSerialPorts.Complete(tree);
        PciTopology.Complete(tree);
        UsbPorts.Complete(tree, context.NewDomain);
        MemoryCompletion.CompleteModules(tree);
        CharacterCompletion.MirrorFirstSerial(tree);
        return new DomainDocument(Normalisation.Normalise(domain, DomainShape.Domain));
    }
}
