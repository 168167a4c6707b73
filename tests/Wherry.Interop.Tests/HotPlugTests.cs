using System.Diagnostics;
using Wherry.Testbed;

namespace Wherry.Interop.Tests;

/// <summary>What the virsh session about devices cannot show: a plugged device that moves with its guest, and a daemon that comes back meanwhile.</summary>
[Trait("layer", "interop")]
public sealed class HotPlugTests
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
}
