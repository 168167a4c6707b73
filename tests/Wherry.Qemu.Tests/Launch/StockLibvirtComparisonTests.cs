using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Qemu.Cpus;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Firmware;
using Wherry.Qemu.Host;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Process;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Xml;
using CapabilitiesCache = Wherry.Qmp.Capabilities.CapabilitiesCache;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>
/// A stock libvirtd starts each recorded domain; its QEMU's real arguments and its live XML are taken, and our arguments for that very XML
/// must describe the same hardware.
/// </summary>
public sealed class StockLibvirtComparisonTests : IAsyncLifetime
{
    private RunDirectory? _run;
    private StockLibvirtd? _stock;
    private ProcessSupervisor? _processes;
    private Emulator? _emulator;

    public async ValueTask InitializeAsync()
    {
        var missing = await StockLibvirtd.RecordsMissingAsync();
        Assert.SkipWhen(missing is not null, missing ?? "");
        _run = RunDirectory.Create();
        _stock = new StockLibvirtd(await TestHost.CreateAsync(_run, "stock", isolated: true));
        await _stock.StartAsync();
        await _stock.Host.RunAsync("ip", "link", "add", "br0", "type", "bridge").Checked();
        _processes = new ProcessSupervisor(NullLogger.Instance);
        var termination = new ProcessTermination(new TerminationOptions(), TimeProvider.System, NullLogger.Instance);
        var cache = new CapabilitiesCache(_run.CreateDirectory("cache"), NullLogger.Instance);
        var host = new HostFiles();
        var catalog = new EmulatorCatalog(new EmulatorProbe(_processes, cache, termination, host, NullLogger.Instance), host);
        _emulator = await catalog.GetDefaultAsync(TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_stock is not null)
        {
            await _stock.DisposeAsync();
            await _stock.Host.DisposeAsync();
        }
        _processes?.Dispose();
        if (_run is not null)
            await _run.DisposeAsync();
    }

    [Fact]
    public async Task Our_arguments_describe_the_hardware_that_stock_libvirt_starts()
    {
        foreach (var row in RecordedDomains.Names)
        {
            var (name, virsh) = (row.Data, _stock!.Virsh);
            var xml = await RecordedDomains.PrepareAsync(name, Path.Join(_stock.Host.Directory, "var"));
            var uuid = DomainSpec.From(DomainDocument.Parse(xml)).Uuid.ToString();
            await virsh.RunWithXmlAsync("define", xml).Checked();
            var defined = DomainSpec.From(DomainDocument.Parse(await virsh.AskAsync("dumpxml", uuid)));
            await virsh.RunAsync("start", "--paused", uuid).Checked();
            // The live CPU is what QEMU made of it; the arguments were written before, from the defined one.
            var live = DomainSpec.From(DomainDocument.Parse(await virsh.AskAsync("dumpxml", uuid))) with { Cpu = defined.Cpu };
            var theirs = await ArgumentsOfAsync(live.Name);
            await virsh.RunAsync("destroy", uuid).Checked();
            await virsh.RunAsync("undefine", uuid).Checked();

            var context = LaunchContexts.Fixed.WithTaps(live) with { VncPort = null, BackingImages = DiskImages.Inspect(live, coldBoot: true).Backing };
            var ours = CommandLine.Build(Resolved(live), context).Arguments;
            Assert.Equal(ComparableArguments.Of(theirs), ComparableArguments.Of(ours));
        }
    }

    [Fact]
    public async Task Our_arguments_for_every_definition_are_those_stock_libvirt_would_use()
    {
        var differences = new List<string>();
        foreach (var name in DefinedDomains.Names)
        {
            var document = DefinedDomains.Complete(name);
            var conversion = await _stock!.Virsh.RunWithXmlAsync("domxml-to-native", document.ToXml(DomainXmlFlags.Secure), "qemu-argv");
            IReadOnlyList<string> theirs = conversion.Succeeded ? ComparableArguments.OfConversion(conversion.Output) : [conversion.Error.Trim().Replace("error: ", "", StringComparison.Ordinal)];
            var ours = OursForConversion(document);
            if (!theirs.SequenceEqual(ours, StringComparer.Ordinal))
                differences.Add($"{name}\n  stock only: {string.Join("\n              ", theirs.Except(ours))}\n  ours only:  {string.Join("\n              ", ours.Except(theirs))}");
        }
        Assert.True(differences.Count == 0, string.Join('\n', differences));
    }

    private IReadOnlyList<string> OursForConversion(DomainDocument document)
    {
        try
        {
            var defined = DomainSpec.From(document);
            var firmware = FirmwareChoice.Find(
                defined, new FirmwareCatalog(FirmwareCatalog.UsualDirectories(null), NullLogger.Instance).Read,
                $"/var/lib/libvirt/qemu/nvram/{defined.Name}_VARS.fd", _ => false);
            var spec = Resolved(DomainSpec.From(new LiveOverlay { Id = 1, Firmware = firmware }.Apply(document)));
            var context = LaunchContexts.Fixed.WithTaps(spec) with { VncPort = 5900, VncWebSocketPort = -1 };
            return ComparableArguments.OfConversion(CommandLine.Build(spec, context).Arguments);
        }
        catch (Errors.WherryException e)
        {
            return [e.Message];
        }
    }

    private DomainSpec Resolved(DomainSpec spec) => GuestCpu.IsChosen(spec.Cpu)
        ? spec with { Cpu = GuestCpu.Resolve(spec, _emulator!.CpusFor(spec.Type), incoming: false) }
        : spec;

    /// <summary>The arguments of the domain's QEMU, without its own name.</summary>
    private async Task<IEnumerable<string>> ArgumentsOfAsync(string domain)
    {
        var arguments = await _stock!.Host.RunAsync("sh", "-c", "cat /proc/$(cat \"/run/libvirt/qemu/$1.pid\")/cmdline", "sh", domain).Checked();
        return arguments.Output.TrimEnd('\0').Split('\0').Skip(1);
    }
}
