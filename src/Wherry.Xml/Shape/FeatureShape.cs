using static Wherry.Xml.DomainShape;
using static Wherry.Xml.Values;

namespace Wherry.Xml;

/// <summary><c>&lt;features&gt;</c>: the old switches are bare elements, the newer ones carry a state.</summary>
internal static class FeatureShape
{
    public static readonly ElementShape Features = Element("features").Holding(
        Element("acpi"),
        Element("apic").With(A("eoi", OnOff)),
        Element("pae"),
        Refused("hap"),
        Refused("viridian"),
        Refused("privnet"),
        Hyperv(),
        Element("kvm").Holding(
            State("hidden"), Refused("hint-dedicated"), Refused("poll-control"), Refused("pv-ipi"), Refused("dirty-ring")),
        State("pvspinlock"),
        Refused("capabilities"),
        State("pmu"),
        State("vmport"),
        Refused("gic"),
        Element("smm").With(A("state", OnOff).Or("on")).Holding(Refused("tseg")),
        Element("ioapic").With(A("driver", OneOf("kvm", "qemu"))),
        Refused("hpt"),
        State("vmcoreinfo"),
        Refused("htm"),
        Refused("nested-hv"),
        Refused("msrs"),
        Refused("ccf-assist"),
        Refused("xen"),
        Refused("cfpc"),
        Refused("sbbc"),
        Refused("ibs"),
        Element("tcg").Holding(Memory("tb-cache"))) with { DropWhenEmpty = true };

    private static ElementShape State(string name) => Element(name).With(A("state", OnOff).Or("on"));

    private static ElementShape Hyperv() => Element("hyperv").With(A("mode", OneOf("custom", "passthrough")).Or("custom")).Holding(
        State("relaxed"),
        State("vapic"),
        Element("spinlocks").With(A("state", OnOff).Or("on"), A("retries", Uint)),
        State("vpindex"),
        State("runtime"),
        State("synic"),
        State("stimer").Holding(Element("direct").With(A("state", OnOff).Or("on"))),
        State("reset"),
        Element("vendor_id").With(A("state", OnOff).Or("on"), "value"),
        State("frequencies"),
        State("reenlightenment"),
        State("tlbflush"),
        State("ipi"),
        State("evmcs"),
        State("avic"));
}
