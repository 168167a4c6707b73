using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml.Tests;

/// <summary>
/// NAME.live.xml is what stock libvirt showed of that domain while it ran (started paused, TCG). What only a running domain can
/// know is taken from there; everything else, and where each value goes, must come out of our own definition.
/// </summary>
public sealed class LiveXmlTests
{
    public static TheoryData<string> LiveDomains => new(DomainXmlData.Names.Where(name => DomainXmlData.HasStock(name, "live")));

    [Theory]
    [MemberData(nameof(LiveDomains))]
    public void A_running_domain_shows_exactly_what_libvirt_shows(string name)
    {
        var stock = DomainXmlData.Stock(name, "live");
        var live = OverlayIn(name).Apply(Definition(name));
        Assert.Equal(stock, live.ToXml());
    }

    [Theory]
    [MemberData(nameof(LiveDomains))]
    public void A_definition_is_sent_exactly_as_libvirt_sends_it(string name)
    {
        var live = OverlayIn(name).Apply(Definition(name));
        Assert.Equal(DomainXmlData.Stock(name, "migratable"), live.ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Migratable));
    }

    [Theory]
    [MemberData(nameof(LiveDomains))]
    public void The_inactive_form_of_a_running_domain_is_its_definition_again(string name)
    {
        var definition = Definition(name);
        var live = new LiveOverlay { Id = 7, PtyPaths = ImmutableDictionary<string, string>.Empty.Add("serial0", "/dev/pts/3") }.Apply(definition);
        Assert.Equal(definition.ToXml(DomainXmlFlags.Secure), live.ToXml(DomainXmlFlags.Inactive | DomainXmlFlags.Secure));
    }

    [Theory]
    [MemberData(nameof(LiveDomains))]
    public void Live_XML_defined_again_by_a_client_gives_the_same_definition(string name)
    {
        var live = XElement.Parse(DomainXmlData.Stock(name, "live"));
        live.Descendants("backingStore").Remove();
        live.Elements("resource").Remove();
        live.Descendants("address").Attributes("base").Remove();
        live.Elements("seclabel").Remove();
        live.Element("cpu")!.ReplaceWith(XElement.Parse(Definition(name).ToXml()).Element("cpu"));
        live.Element("memory")!.Value = DomainSpec.From(Definition(name)).Memory.KiB.ToString(CultureInfo.InvariantCulture);
        var again = DomainDocument.Parse(live.ToString()).Complete(DomainXmlData.Context).ToXml();
        Assert.Equal(Sorted(Definition(name).ToXml()), Sorted(again));

        static string Sorted(string xml) => string.Join('\n', xml.Replace("listen='127.0.0.1'", "", StringComparison.Ordinal)
            .Replace(" address='127.0.0.1'", "", StringComparison.Ordinal).Split('\n').Select(line => line.Replace(" >", ">", StringComparison.Ordinal)).Order());
    }

    [Theory]
    [MemberData(nameof(LiveDomains))]
    public void A_restarted_daemon_shows_and_sends_the_same_as_the_one_before(string name)
    {
        var live = OverlayIn(name).Apply(Definition(name));
        var restored = DomainDocument.ParseStatus(live.ToStatusXml());
        foreach (var flags in (DomainXmlFlags[])[DomainXmlFlags.None, DomainXmlFlags.Secure, DomainXmlFlags.Inactive, DomainXmlFlags.Migratable])
            Assert.Equal(live.ToXml(flags), restored.ToXml(flags));
    }

    [Theory]
    [MemberData(nameof(LiveDomains))]
    public void Every_device_that_QEMU_names_has_an_alias_and_no_two_have_the_same(string name)
    {
        var spec = DomainSpec.From(new LiveOverlay { Id = 1 }.Apply(Definition(name)));
        IEnumerable<DeviceSpec> devices = [.. spec.Disks, .. spec.Controllers, .. spec.Interfaces, .. spec.Serials, .. spec.Channels, .. spec.Inputs, .. spec.Rngs];
        Assert.All(devices, device => Assert.NotNull(device.Alias));
        var chipset = spec.Controllers.Count(controller => controller.Alias == "usb") - 1;
        Assert.Equal(devices.Count() - Math.Max(chipset, 0), devices.Select(device => device.Alias).Distinct(StringComparer.Ordinal).Count());
    }

    private static DomainDocument Definition(string name) => DomainDocument.Parse(DomainXmlData.Input(name)).Complete(DomainXmlData.Context);

    private static LiveOverlay OverlayIn(string name)
    {
        var live = XElement.Parse(DomainXmlData.Stock(name, "live"));
        var sent = XElement.Parse(DomainXmlData.Stock(name, "migratable"));
        var devices = live.Element("devices")!;
        var named = devices.Elements().Where(device => device.Element("alias") is not null)
            .DistinctBy(device => (string)device.Element("alias")!.Attribute("name")!).ToList();
        return new LiveOverlay
        {
            Id = (int)live.Attribute("id")!,
            CurrentMemory = ByteSize.FromKiB(ulong.Parse(live.Element("currentMemory")!.Value, CultureInfo.InvariantCulture)),
            PtyPaths = Values(device => (string?)device.Attribute("type") == "pty" ? (string?)device.Element("source")?.Attribute("path") : null),
            ChannelPaths = Values(device => device.Name == "channel" ? (string?)device.Element("source")?.Attribute("path") : null),
            ChannelStates = Values(device => (string?)device.Element("target")?.Attribute("state")),
            DiskIndexes = Values(device => (int?)device.Element("source")?.Attribute("index") ?? 0).RemoveRange(
                named.Where(device => device.Element("source")?.Attribute("index") is null).Select(Alias)),
            BackingChains = Values(device => device.Element("backingStore") is { HasElements: true } chain ? Chain(chain).ToImmutableArray() : default)
                .RemoveRange(named.Where(device => device.Element("backingStore") is not { HasElements: true }).Select(Alias)),
            ModuleBases = Values(device => (string?)device.Element("address")?.Attribute("base"))
                .ToImmutableDictionary(pair => pair.Key, pair => Convert.ToUInt64(pair.Value, 16), StringComparer.Ordinal),
            StartedCpu = DomainDocument.ParseCpu(sent.Element("cpu")!.ToString()),
            BuiltCpu = DomainDocument.ParseCpu(live.Element("cpu")!.ToString()),
            DacLabel = (string?)live.Element("seclabel")?.Element("label"),
        };

        ImmutableDictionary<string, T> Values<T>(Func<XElement, T?> of) =>
            named.Select(device => (Alias: Alias(device), Value: of(device))).Where(pair => pair.Value is not null)
                .ToImmutableDictionary(pair => pair.Alias, pair => pair.Value!, StringComparer.Ordinal);

        static string Alias(XElement device) => (string)device.Element("alias")!.Attribute("name")!;
    }

    private static IEnumerable<BackingImage> Chain(XElement? store)
    {
        for (; store is { HasElements: true }; store = store.Element("backingStore"))
        {
            yield return new BackingImage(
                (int)store.Attribute("index")!,
                new DiskSource.File((string)store.Element("source")!.Attribute("file")!),
                (string?)store.Element("format")!.Attribute("type") == "qcow2" ? DiskFormat.Qcow2 : DiskFormat.Raw);
        }
    }
}
