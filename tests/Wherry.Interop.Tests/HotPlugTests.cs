using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests;

/// <summary>What the virsh session about devices cannot show: a plugged device that moves with its guest, and a daemon that comes back meanwhile.</summary>
[Trait("layer", "interop")]
[Collection(nameof(OneAtATime))]
public sealed partial class HotPlugTests
{
    private const string Target = "vdz";

    [Fact]
    public async Task A_plugged_disk_moves_with_its_guest_and_goes_when_the_guest_lets_go_of_it_under_a_later_daemon()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks with { SharedStorage = true });
        var name = passage.Domain.Name;
        var image = pair.Run.File("plugged.qcow2"); // seen by both hosts
        await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", image, "8M"]).Checked();
        var plugged = await pair.Alpha.Virsh.RunWithXmlAsync(
            "attach-device",
            $"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{image}'/><target dev='{Target}' bus='virtio'/></disk>",
            name);
        Assert.True(plugged.Succeeded, $"{plugged}\n{pair.Alpha.LogTail()}");

        await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]).Checked();
        Assert.Empty(await passage.JudgeAsync(pair.Bravo));
        var bravo = pair.Bravo;
        Assert.Contains(image, await bravo.Virsh.AskAsync("domblklist", name), StringComparison.Ordinal);
        Assert.Contains("virtio-disk25", await bravo.Virsh.AskAsync("qemu-monitor-command", name, "--hmp", "info qtree"), StringComparison.Ordinal);

        // A guest that stands still cannot answer.
        await bravo.Virsh.AskAsync("suspend", name);
        await bravo.Virsh.AskAsync("detach-disk", name, Target, "--live");
        Assert.Contains(Target, await bravo.Virsh.AskAsync("domblklist", name), StringComparison.Ordinal);
        await bravo.KillAsync();
        await bravo.StartAsync();
        Assert.Contains(Target, await bravo.Virsh.AskAsync("domblklist", name), StringComparison.Ordinal);

        await bravo.Virsh.AskAsync("resume", name);
        var began = Stopwatch.GetTimestamp();
        while ((await bravo.Virsh.AskAsync("domblklist", name)).Contains(Target, StringComparison.Ordinal))
            Assert.True(Stopwatch.GetElapsedTime(began) < Passage.Limit, $"the disk stays\n{bravo.LogTail()}");
        Assert.DoesNotContain(image, await bravo.Virsh.AskAsync("qemu-monitor-command", name, "--hmp", "info block"), StringComparison.Ordinal);
        Assert.DoesNotContain(Target, await bravo.Virsh.AskAsync("dumpxml", name, "--migratable"), StringComparison.Ordinal);
        Assert.Empty(await passage.JudgeAsync(bravo));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_plugged_memory_module_moves_with_its_guest_and_comes_back(bool stock)
    {
        await using var pair = stock ? await RealHosts.WherrydAndStockAsync() : await RealHosts.TwoWherrydAsync();
        const string name = "modules";
        await pair.Alpha.Virsh.RunWithXmlAsync(
            "create",
            $"<domain type='qemu'><name>{name}</name><maxMemory slots='4' unit='MiB'>512</maxMemory><memory unit='MiB'>64</memory>"
            + "<os><type machine='pc'>hvm</type></os><features><acpi/></features><cpu><numa><cell memory='64' unit='MiB'/></numa></cpu></domain>").Checked();
        await PlugAsync(pair.Alpha, 2, 32);
        var here = await ShownAsync(pair.Alpha);
        Assert.Contains("slot=\"2\" base=\"0x100000000\"", here, StringComparison.Ordinal);
        await MoveAsync(pair.Alpha, pair.Bravo);
        Assert.Equal(here, await ShownAsync(pair.Bravo));
        await PlugAsync(pair.Bravo, 0, 64);
        var there = await ShownAsync(pair.Bravo);
        await MoveAsync(pair.Bravo, pair.Alpha);
        Assert.Equal(there, await ShownAsync(pair.Alpha));

        static async Task PlugAsync(DaemonRunner daemon, int slot, int mib) => await daemon.Virsh.RunWithXmlAsync(
            "attach-device",
            $"<memory model='dimm'><target><size unit='MiB'>{mib}</size><node>0</node></target><address type='dimm' slot='{slot}'/></memory>",
            name).Checked();

        static async Task<string> ShownAsync(DaemonRunner daemon)
        {
            var domain = XElement.Parse(await daemon.Virsh.AskAsync("dumpxml", name));
            // One that a guest came with is not called hot-plugged.
            var modules = (await daemon.Virsh.AskAsync("qemu-monitor-command", name, "--hmp", "info memory-devices"))
                .Replace("hotplugged: true", "hotplugged: false", StringComparison.Ordinal);
            return string.Join('\n', (object?[])[
                domain.Element("maxMemory"), domain.Element("memory"), domain.Element("currentMemory"), domain.Element("cpu")!.Element("numa"),
                .. domain.Element("devices")!.Elements("memory"), modules]);
        }

        static async Task MoveAsync(DaemonRunner from, DaemonRunner to) =>
            await Command.RunAsync(from.Host.Enter(["virsh", "-q", "-c", from.PeerUri, "migrate", "--live", "--p2p", name, to.PeerUri])).Checked();
    }

    [Fact]
    public async Task A_block_device_is_plugged_put_into_a_drive_and_refused_as_under_stock_libvirtd()
    {
        await using var pair = await RealHosts.WherrydAndStockAsync();
        var image = pair.Run.File("block.raw");
        await Command.RunAsync(["qemu-img", "create", "-q", "-f", "raw", image, "1M"]).Checked();
        var loop = await Command.RunAsync(["losetup", "--find", "--show", image]);
        Assert.SkipUnless(loop.Succeeded, $"no loop device: {loop.Error}");
        var device = loop.Output.Trim();
        try
        {
            var (stock, wherryd) = (await AnswersAsync(pair.Bravo), await AnswersAsync(pair.Alpha));
            Assert.True(stock == wherryd, $"libvirtd:\n{stock}\nwherryd:\n{wherryd}");
        }
        finally
        {
            await Command.RunAsync(["losetup", "--detach", device]).Checked();
        }

        async Task<string> AnswersAsync(DaemonRunner daemon)
        {
            const string name = "blocks";
            var answers = new StringBuilder();
            await daemon.Virsh.RunWithXmlAsync(
                "create",
                $"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><os><type machine='pc'>hvm</type></os><features><acpi/></features>"
                + "<devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk></devices></domain>").Checked();
            await TakeAsync("attach-device", Disk("block", device, "vda", "virtio"));
            await TakeAsync("attach-device", Disk("block", "/dev/no-such-device", "vdb", "virtio"));
            await TakeAsync("attach-device", Disk("block", image, "vdb", "virtio"));
            answers.AppendLine(await daemon.Virsh.AskAsync("domblklist", name, "--details"));
            answers.AppendLine(await daemon.Virsh.AskAsync("domblkinfo", name, "vda"));
            await daemon.Virsh.AskAsync("destroy", name);
            await daemon.Virsh.RunWithXmlAsync(
                "create",
                $"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><os><type machine='pc'>hvm</type></os><features><acpi/></features>"
                + $"<devices>{Disk("block", device, "vda", "virtio")}<disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk></devices></domain>").Checked();
            answers.AppendLine(DisksOf(await daemon.Virsh.AskAsync("dumpxml", name)));
            await daemon.Virsh.AskAsync("destroy", name);
            // Paused: a firmware that resets the drive closes the tray that was just opened, and either daemon then fails.
            await daemon.Virsh.RunWithXmlAsync(
                "create",
                $"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><os><type machine='pc'>hvm</type></os><features><acpi/></features>"
                + "<devices><disk type='file' device='cdrom'><target dev='hda' bus='ide'/></disk></devices></domain>",
                "--paused").Checked();
            await TakeAsync("update-device", Disk("block", device, "hda", "ide").Replace("device='disk'", "device='cdrom'", StringComparison.Ordinal));
            answers.AppendLine(DisksOf(await daemon.Virsh.AskAsync("dumpxml", name)));
            await daemon.Virsh.AskAsync("destroy", name);
            return answers.ToString();

            async Task TakeAsync(string verb, string xml)
            {
                var result = await daemon.Virsh.RunWithXmlAsync(verb, xml, name);
                answers.AppendLine($"{verb}: {result.ExitCode} {result.Output.Trim()} {FileName().Replace(result.Error, "FILE").Trim()}");
            }
        }

        static string Disk(string type, string source, string target, string bus) =>
            $"<disk type='{type}' device='disk'><driver name='qemu' type='raw'/><source dev='{source}'/><target dev='{target}' bus='{bus}'/></disk>";

        static string DisksOf(string xml) => string.Join('\n', XElement.Parse(xml).Element("devices")!.Elements("disk"));
    }

    [Fact]
    public async Task Of_a_plug_that_QEMU_refuses_nothing_stays()
    {
        await using var pair = await RealHosts.TwoWherrydAsync(isolated: false);
        var daemon = pair.Alpha.Virsh;
        const string name = "firmware";
        var created = await daemon.RunWithXmlAsync(
            "create",
            $"<domain type='qemu'><name>{name}</name><memory unit='MiB'>64</memory><os><type machine='q35'>hvm</type></os>"
            + "<devices><controller type='virtio-serial'/></devices></domain>");
        Assert.True(created.Succeeded, $"{created}\n{pair.Alpha.LogTail()}");
        var image = pair.Run.File("refused.qcow2");
        await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", image, "8M"]).Checked();
        var before = await daemon.AskAsync("dumpxml", name);

        // The root bus of this machine takes devices at start only.
        const string address = "<address type='pci' domain='0' bus='0' slot='9' function='0'/>";
        foreach (var device in (string[])[
            $"<disk type='file'><driver type='qcow2'/><source file='{image}'/><target dev='vdb' bus='virtio'/>{address}</disk>",
            $"<interface type='user'><model type='virtio'/>{address}</interface>",
            $"<rng model='virtio'><backend model='builtin'/>{address}</rng>",
            "<serial type='null'><target type='isa-serial' port='1'/></serial>",
        ])
        {
            var refused = await daemon.RunWithXmlAsync("attach-device", device, name);
            Assert.Contains("does not support hotplugging", refused.Error, StringComparison.Ordinal);
        }

        Assert.Equal(before, await daemon.AskAsync("dumpxml", name));
        Assert.DoesNotContain("refused.qcow2", await daemon.AskAsync("qemu-monitor-command", name, """{"execute":"query-named-block-nodes"}"""), StringComparison.Ordinal);
        Assert.DoesNotContain("hostnet", await daemon.AskAsync("qemu-monitor-command", name, "--hmp", "info network"), StringComparison.Ordinal);
        Assert.DoesNotContain("charserial", await daemon.AskAsync("qemu-monitor-command", name, "--hmp", "info chardev"), StringComparison.Ordinal);
        Assert.DoesNotContain("objrng", await daemon.AskAsync("qemu-monitor-command", name, """{"execute":"qom-list","arguments":{"path":"/objects"}}"""), StringComparison.Ordinal);
        await daemon.AskAsync("destroy", name);
    }

    [GeneratedRegex("from /[^ ]+\\.xml")]
    private static partial Regex FileName();
}
