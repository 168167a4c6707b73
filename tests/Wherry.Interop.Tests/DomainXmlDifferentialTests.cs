using System.Text;
using System.Text.RegularExpressions;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Xml.Tests;

namespace Wherry.Interop.Tests;

/// <summary>
/// Asks a stock libvirtd, privately started, for every definition under tests/data/domainxml, and compares its answers byte for byte
/// with the recorded ones, which the unit tests hold our own completion to. UPDATE_SNAPSHOTS=1 records them anew.
/// </summary>
[Trait("layer", "interop")]
public sealed partial class DomainXmlDifferentialTests(ITestOutputHelper output)
{
    private static readonly bool Record = Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1";

    [Fact]
    public async Task Stock_libvirt_completes_every_definition_as_recorded()
    {
        var missing = await StockLibvirtd.RecordsMissingAsync();
        Assert.SkipWhen(missing is not null, missing ?? "");
        await using var run = RunDirectory.Create();
        await using var host = await TestHost.CreateAsync(run, "stock", isolated: true);
        await using var stock = new StockLibvirtd(host);
        await stock.StartAsync();

        var differences = new StringBuilder();
        var equal = 0;
        foreach (var name in DomainXmlData.Names.Where(name => !name.StartsWith("live-", StringComparison.Ordinal)))
        {
            var defined = await stock.Virsh.RunWithXmlAsync("define", DomainXmlData.Input(name));
            if (!defined.Succeeded)
            {
                differences.AppendLine($"{name}: refused by stock: {defined.Error.Trim()}");
                continue;
            }

            var xml = await stock.Virsh.AskAsync("dumpxml", "--inactive", name) + "\n";
            await stock.Virsh.AskAsync("undefine", name);
            equal += Compare(name, "define", DomainXmlData.WithoutGenerated(xml, name), differences) ? 1 : 0;
        }

        output.WriteLine($"{equal} definitions equal");
        Assert.True(differences.Length == 0, differences.ToString());
    }

    [Fact]
    public async Task Stock_libvirt_shows_and_sends_every_running_domain_as_recorded()
    {
        var missing = await StockLibvirtd.RecordsMissingAsync();
        Assert.SkipWhen(missing is not null, missing ?? "");
        await using var run = RunDirectory.Create();
        await using var host = await TestHost.CreateAsync(run, "stock", isolated: true);
        await using var stock = new StockLibvirtd(host);
        await stock.StartAsync();
        var images = run.CreateDirectory("xml");
        await CreateImagesAsync(images);

        var differences = new StringBuilder();
        var equal = 0;
        foreach (var name in DomainXmlData.Names.Where(name => name.StartsWith("live-", StringComparison.Ordinal)))
        {
            var xml = DomainXmlData.Input(name).Replace("@IMAGES@", images, StringComparison.Ordinal);
            var defined = await stock.Virsh.RunWithXmlAsync("define", xml);
            Assert.True(defined.Succeeded, defined.ToString());
            equal += Compare(name, "define", await DumpAsync("--inactive"), differences) ? 1 : 0;
            var started = await stock.Virsh.RunAsync("start", "--paused", name);
            Assert.True(started.Succeeded, started.ToString());
            equal += Compare(name, "live", await DumpAsync(), differences) ? 1 : 0;
            equal += Compare(name, "migratable", await DumpAsync("--migratable", "--security-info"), differences) ? 1 : 0;
            await stock.Virsh.AskAsync("destroy", name);
            await stock.Virsh.AskAsync("undefine", name);

            async Task<string> DumpAsync(params string[] flags) =>
                (await stock.Virsh.AskAsync(["dumpxml", name, .. flags])).Replace(images, "@IMAGES@", StringComparison.Ordinal) + "\n";
        }

        output.WriteLine($"{equal} documents equal");
        Assert.True(differences.Length == 0, differences.ToString());
    }

    /// <summary>The disk images that the live definitions name.</summary>
    private static async Task CreateImagesAsync(string directory)
    {
        foreach (var name in (string[])["a", "c", "d", "base"])
            await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", $"{directory}/{name}.qcow2", "1M"]).Checked();
        await Command.RunAsync(["qemu-img", "create", "-q", "-f", "raw", $"{directory}/b.raw", "1M"]).Checked();
        await Command.RunAsync(["qemu-img", "create", "-q", "-f", "raw", $"{directory}/floppy.img", "1440K"]).Checked();
        foreach (var (name, backing) in ((string, string)[])[("mid", "base"), ("overlay", "mid")])
        {
            await Command.RunAsync(
                ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", $"{directory}/{backing}.qcow2", $"{directory}/{name}.qcow2"]).Checked();
        }
    }

    private static bool Compare(string name, string kind, string stock, StringBuilder differences)
    {
        if (Record)
            DomainXmlData.Record(name, kind, stock);
        if (DomainXmlData.HasStock(name, kind) && WithoutNumbers(DomainXmlData.Stock(name, kind)) == WithoutNumbers(stock))
            return true;
        differences.AppendLine($"{name}.{kind}: stock now answers").AppendLine(stock);
        return false;
    }

    /// <summary>Which domain and which terminal a run gets depends on what ran before.</summary>
    private static string WithoutNumbers(string xml) => RunNumber().Replace(xml, "$1N");

    [GeneratedRegex("(<domain type='qemu' id='|/dev/pts/|/domain-)[0-9]+")]
    private static partial Regex RunNumber();
}
