using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Xml.Tests;

namespace Wherry.Interop.Tests;

/// <summary>
/// The CPU of a running guest, under wherryd and under stock libvirtd side by side: what clients are shown, what a destination is sent, what is
/// refused and with which words, and that a guest keeps its CPU when it moves.
/// </summary>
[Trait("layer", "interop")]
public sealed partial class CpuDifferentialTests(ITestOutputHelper output)
{
    [Fact]
    public async Task A_running_guest_has_the_CPU_that_stock_libvirt_gives_it()
    {
        await using var pair = await StartPairAsync();
        var differences = new StringBuilder();
        var names = DomainXmlData.Names.Where(name => name.StartsWith("live-cpu-", StringComparison.Ordinal)).ToList();
        foreach (var name in names)
        {
            foreach (var type in File.Exists("/dev/kvm") ? (string[])["qemu", "kvm"] : ["qemu"])
            {
                var (ours, stock) = (await CpusAsync(pair.Alpha, name, type), await CpusAsync(pair.Bravo, name, type));
                output.WriteLine($"{name}, {type}: {(stock.StartsWith("error", StringComparison.Ordinal) ? "refused" : "started")}");
                if (ours != stock)
                    differences.AppendLine($"{name}, {type}: wherryd shows").AppendLine(ours).AppendLine("stock shows").AppendLine(stock);
            }
        }
        Assert.True(differences.Length == 0, differences.ToString());
    }

    [Theory]
    [InlineData("<cpu mode='host-model'><feature policy='require' name='rdseed'/></cpu>")]
    [InlineData("<cpu mode='host-model'><feature policy='forbid' name='aes'/></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='partial'><model>Haswell</model></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='partial'><model>Penryn</model><vendor>Intel</vendor></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='partial'><model>Penryn</model><feature policy='forbid' name='svm'/></cpu>")]
    [InlineData("<cpu mode='custom' match='strict' check='partial'><model>Penryn</model></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='full'><model>Haswell</model></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='full'><model>qemu64</model></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='full'><model>qemu64</model><feature name='hypervisor'/><feature name='lahf_lm'/><feature name='pcid'/></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>cpu64-rhel6</model></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='none'><model>Nonesuch</model></cpu>")]
    [InlineData("<cpu mode='custom' match='exact' check='none'><model>qemu64</model><feature name='invtsc'/></cpu>")]
    [InlineData("<cpu mode='host-passthrough'/>")]
    public async Task A_CPU_that_this_host_cannot_provide_is_refused_in_libvirts_words(string cpu)
    {
        await using var pair = await StartPairAsync();
        var xml = $"<domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory><os><type>hvm</type></os>{cpu}</domain>";
        var (ours, stock) = (await RefusalAsync(pair.Alpha), await RefusalAsync(pair.Bravo));
        output.WriteLine(stock);
        Assert.Equal(stock, ours);

        async Task<string> RefusalAsync(DaemonRunner daemon)
        {
            var created = await daemon.Virsh.RunWithXmlAsync("create", xml, "--paused");
            Assert.False(created.Succeeded, $"{daemon.Name} started it");
            return FileName().Replace(created.Error.Trim(), "FILE");
        }
    }

    [Theory]
    [InlineData("live-cpu-host-model", false)]
    [InlineData("live-cpu-custom", false)]
    [InlineData("live-cpu-host-model-features", true)]
    [InlineData("live-cpu-custom-features", true)]
    [InlineData("live-cpu-strict", true)]
    public async Task A_guest_has_the_same_CPU_after_it_has_moved_and_come_back(string name, bool stock)
    {
        await using var pair = stock ? await StartPairAsync() : await RealHosts.TwoWherrydAsync();
        await pair.Alpha.Virsh.RunWithXmlAsync("create", DomainXmlData.Input(name)).Checked();
        var before = await ShownAsync(pair.Alpha, name);
        await MoveAsync(pair.Alpha, pair.Bravo);
        Assert.Equal(before, await ShownAsync(pair.Bravo, name));
        await MoveAsync(pair.Bravo, pair.Alpha);
        Assert.Equal(before, await ShownAsync(pair.Alpha, name));

        async Task MoveAsync(DaemonRunner from, DaemonRunner to) =>
            await Command.RunAsync(from.Host.Enter(["virsh", "-q", "-c", from.PeerUri, "migrate", "--live", "--p2p", name, to.PeerUri])).Checked();
    }

    /// <summary>wherryd at alpha, stock libvirtd at bravo.</summary>
    private static Task<HostPair> StartPairAsync() => RealHosts.WherrydAndStockAsync();

    private static async Task<string> CpusAsync(DaemonRunner daemon, string name, string type)
    {
        await daemon.Virsh.RunWithXmlAsync("define", DomainXmlData.Input(name).Replace("'qemu'", $"'{type}'", StringComparison.Ordinal)).Checked();
        var started = await daemon.Virsh.RunAsync("start", "--paused", name);
        if (!started.Succeeded)
        {
            await daemon.Virsh.AskAsync("undefine", name);
            // A KVM that does not do as it says; who of the two sees QEMU's death first differs, but not what QEMU was asked for.
            return started.Error.Contains("internal error", StringComparison.Ordinal) ? await AskedForAsync(daemon, name) : started.Error;
        }
        var shown = await ShownAsync(daemon, name);
        await daemon.Virsh.AskAsync("destroy", name);
        await daemon.Virsh.AskAsync("undefine", name);
        return shown;
    }

    /// <summary>The <c>-cpu</c> of a QEMU that has ended, from its log.</summary>
    private static async Task<string> AskedForAsync(DaemonRunner daemon, string name)
    {
        var directory = daemon is Wherryd wherryd ? wherryd.StateDirectory : Path.Combine("/proc", $"{daemon.Pid}", "root", "var/log/libvirt/qemu");
        var log = Directory.EnumerateFiles(directory, $"{name}.log", SearchOption.AllDirectories).Single();
        var asked = CpuArgument().Match(await File.ReadAllTextAsync(log)).Groups[1].Value;
        return asked.Length > 0 ? asked : throw new InvalidDataException($"{log} has no -cpu");
    }

    [GeneratedRegex("-cpu'? '?([^ ']*)")]
    private static partial Regex CpuArgument();

    /// <summary>The guest's CPU as clients see it, and as a destination is told of it.</summary>
    private static async Task<string> ShownAsync(DaemonRunner daemon, string name)
    {
        return $"{await CpuAsync()}\nsent: {await CpuAsync("--migratable")}";

        async Task<XElement?> CpuAsync(params string[] flags) =>
            XElement.Parse(await daemon.Virsh.AskAsync(["dumpxml", name, .. flags])).Element("cpu");
    }

    [GeneratedRegex("/[^ ]*\\.xml")]
    private static partial Regex FileName();
}
