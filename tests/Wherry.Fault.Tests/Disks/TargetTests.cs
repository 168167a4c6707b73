using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests.Disks;

/// <summary>What lies, or does not fit, where the copied disks are to go.</summary>
public sealed class TargetTests(ITestOutputHelper output)
{
    private static readonly PassageOptions OneDisk = new() { Disks = 1, Load = new GuestLoad(WriteKiBps: 2048) };

    [Fact(Explicit = true)]
    [Fault(72)]
    public async Task A_destination_that_runs_full_ends_the_copy_with_the_disk_and_the_reason_and_loses_what_it_had_made()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, OneDisk);
        await Tampering.ShrinkAsync(pair.Bravo.Host, pair.Bravo.Host.Images, "1m");
        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        output.WriteLine(moved.ToString());
        Aftermath.Refused(moved, pair, "vda", "No space left on device");
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        Assert.Equal("", (await pair.Bravo.Host.RunAsync("ls", pair.Bravo.Host.Images).Checked()).Output);
        await Tampering.RestoreAsync(pair.Bravo.Host, pair.Bravo.Host.Images);
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    [Fact(Explicit = true)]
    [Fault(76)]
    public async Task An_image_that_does_not_fit_or_is_in_use_at_the_destination_is_refused_and_stays_as_it_is()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, OneDisk with { Format = "qcow2" });
        var (image, seen) = (Path.Combine(pair.Bravo.Host.ImagesOutside, "disk-a.img"), passage.Domain.Disks[0].Path);

        File.Delete(image);
        await new TestDisk(image, "qcow2", 32).CreateAsync();
        await RefusedAsync(pair, passage, image, "smaller", "disk vda", seen, "host 'bravo'", "33554432", "67108864");

        File.Delete(image);
        await new TestDisk(image, "qcow2", 65).CreateAsync();
        await RefusedAsync(pair, passage, image, "larger", "disk vda", seen, "host 'bravo'", "68157440", "67108864");

        await File.WriteAllBytesAsync(image, new byte[1 << 20]);
        await RefusedAsync(pair, passage, image, "another format", "disk vda", seen, "not in qcow2 format");

        File.Delete(image);
        await new TestDisk(image, "qcow2").CreateAsync();
        await using (var guest = LongCommand.Start(pair.Bravo.Host, "sh", "-c", "(echo 'read 0 512'; cat) | qemu-io -f qcow2 \"$0\"", seen))
        {
            Assert.True(await guest.WaitAsync(lines => lines.Any(line => line.Contains("read 512", StringComparison.Ordinal)), Aftermath.Soon));
            await RefusedAsync(pair, passage, image, "in use", seen, "lock");
        }

        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    [Fact(Explicit = true)]
    [Fault(76)]
    public async Task A_raw_image_or_a_block_device_of_another_size_is_refused_and_one_of_the_same_size_taken()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, OneDisk);
        var (image, seen) = (Path.Combine(pair.Bravo.Host.ImagesOutside, "disk-a.img"), passage.Domain.Disks[0].Path);
        foreach (var bytes in (long[])[63 << 20, 65 << 20])
        {
            File.Delete(image);
            await File.WriteAllBytesAsync(image, new byte[bytes]);
            await RefusedAsync(pair, passage, image, $"raw of {bytes}", "disk vda", seen, "host 'bravo'", $"{bytes} bytes", "67108864");
        }

        foreach (var bytes in (long[])[63 << 20, 65 << 20, 64 << 20])
        {
            await using var device = await LoopDevice.OverAsync(pair.Run.File("device.raw"), bytes);
            var file = pair.Run.File("on-a-device.xml");
            await File.WriteAllTextAsync(file, (await pair.Alpha.Virsh.AskAsync("dumpxml", "--migratable", passage.Domain.Name))
                .Replace("<disk type='file'", "<disk type='block'", StringComparison.Ordinal)
                .Replace($"<source file='{seen}'", $"<source dev='{device.Path}'", StringComparison.Ordinal));
            if (bytes != 64 << 20)
            {
                await RefusedAsync(pair, passage, device.Image, $"device of {bytes}", ["--xml", file], "disk vda", device.Path, "host 'bravo'", $"{bytes} bytes", "67108864");
                continue;
            }

            await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--xml", file]).Checked();
            await pair.Bravo.Virsh.AskAsync("destroy", passage.Domain.Name);
        }
    }

    /// <summary>The second attempt finds what the first one left, and what the guest has written since.</summary>
    [Fact(Explicit = true)]
    [Fault(79)]
    public async Task A_copy_that_was_broken_off_is_made_anew_over_its_own_remains()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, PassageOptions.TwoWrittenDisks);
        foreach (var point in new[] { "src.mirror.ready", "src.drained" })
        {
            await Aftermath.ArmAsync(pair.Alpha, $"{point}:hang");
            var before = passage.Timeline.Pids.Length;
            var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
            await Aftermath.HangsAsync(pair.Alpha);
            Aftermath.Signal(passage.Timeline.Pids[before], PosixSignal.Kill);
            await Aftermath.DeadAsync(passage.Timeline.Pids[before]);
            Aftermath.GoOn(pair.Alpha);
            Aftermath.Refused(await moving, pair);
            await Aftermath.RunsAsync(passage, pair, pair.Alpha, point);
        }

        var flushed = passage.Timeline.Flushed('a');
        await passage.Timeline.WaitAsync("more blocks", t => t.Flushed('a') > flushed + 500, Passage.Limit);
        await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]).Checked();
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
    }

    [Fact(Explicit = true)]
    [Fault(77)]
    public async Task Only_disks_that_can_change_and_are_nobody_elses_are_copied_and_an_unknown_one_is_refused()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        foreach (var host in new[] { pair.Alpha.Host, pair.Bravo.Host })
        {
            foreach (var name in new[] { "readonly.img", "shared.img" })
                await new TestDisk(Path.Combine(host.ImagesOutside, name), MiB: 1).CreateAsync();
        }

        var images = pair.Alpha.Host.Images;
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions
        {
            Disks = 1, // and nobody who writes: not every one of the others can be written to
            Devices = $"""
                <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{images}/readonly.img'/><target dev='vdb' bus='virtio'/><readonly/></disk>
                <disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='{images}/shared.img'/><target dev='vdc' bus='virtio'/><shareable/></disk>
                <disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>
                """,
        });
        Aftermath.Refused(await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--unsafe", "--migrate-disks", "vda,vdz"]), pair, "vdz");
        Aftermath.Refused(await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--unsafe", "--migrate-disks", "sda"]), pair, "Cannot migrate empty or read-only disk sda");
        Aftermath.Refused(
            await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--unsafe", "--migrate-disks", "vda,vdb"]), pair, "Cannot migrate empty or read-only disk vdb");
        Assert.Empty(await passage.JudgeAsync(pair.Alpha));

        await using var events = LongCommand.Start(pair.Alpha.Host, "virsh", "-c", pair.Alpha.PeerUri, "event", "--all", "--loop");
        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", "--unsafe"]);
        Assert.True(moved.Succeeded, $"{moved}\n{Aftermath.Logs(pair.Alpha, pair.Bravo)}");
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
        var copies = events.Lines.Where(line => line.Contains("'block-job", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(copies);
        Assert.All(copies, line => Assert.True(
            line.Contains("disk-a.img", StringComparison.Ordinal) || line.Contains(" vda ", StringComparison.Ordinal), line));
    }

    /// <summary>Found only when the guest shall run there, it would have stood still for nothing.</summary>
    [Theory(Explicit = true)]
    [Fault(76)]
    [InlineData("ro,remount,bind", "Read-only file system")]
    [InlineData(null, "Operation not permitted")]
    public async Task A_shared_image_that_the_destination_cannot_write_to_is_refused_before_the_guest_stops(string? mount, string reason)
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, OneDisk with { SharedStorage = true });
        var image = passage.Domain.Disks[0].Path;
        var bravo = pair.Bravo.Host;
        if (mount is null)
        {
            var immutable = await bravo.RunAsync("sh", "-c", $"cp '{image}' '{image}.copy' && chattr +i '{image}.copy' && mount --bind '{image}.copy' '{image}'");
            Assert.SkipUnless(immutable.Succeeded, $"no immutable files: {immutable.Error}");
        }
        else
        {
            await bravo.RunAsync("mount", "--bind", image, image).Checked();
            await bravo.RunAsync("mount", "-o", mount, image).Checked();
        }

        try
        {
            foreach (var flags in (string[][])[["--p2p"], []])
            {
                var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, flags);
                output.WriteLine(moved.ToString());
                Aftermath.Refused(moved, pair, "disk vda", image, "cannot be written to on host 'bravo'", reason);
                await Aftermath.RunsAsync(passage, pair, pair.Alpha);
            }
        }
        finally
        {
            await Tampering.RestoreAsync(bravo, image);
            if (mount is null)
                await bravo.RunAsync("chattr", "-i", $"{image}.copy").Checked();
        }

        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    /// <summary>A bitmap is not carried, nor is it in the way; the older image format takes the guest's blocks like the newer.</summary>
    [Fact(Explicit = true)]
    [Fault(82)]
    public async Task A_disk_with_a_dirty_bitmap_goes_to_an_image_of_the_older_format()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, OneDisk with { Format = "qcow2" });
        var name = passage.Domain.Name;
        var node = (await pair.Alpha.Virsh.AskAsync("qemu-monitor-command", name, """{"execute":"query-block"}""")).Split("\"node-name\":\"")[1].Split('"')[0];
        var added = await pair.Alpha.Virsh.AskAsync(
            "qemu-monitor-command", name, $$$"""{"execute":"block-dirty-bitmap-add","arguments":{"node":"{{{node}}}","name":"since-noon","persistent":true}}""");
        Assert.Contains("\"return\":{}", added, StringComparison.Ordinal);
        var image = Path.Combine(pair.Bravo.Host.ImagesOutside, "disk-a.img");
        File.Delete(image);
        await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", image, "64M"]).Checked();
        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        Assert.True(moved.Succeeded, $"{moved}\n{Aftermath.Logs(pair.Alpha, pair.Bravo)}");
        await Aftermath.RunsAsync(passage, pair, pair.Bravo);
        await passage.MoveAsync(pair.Bravo, pair.Alpha, ["--p2p"]).Checked();
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
    }

    private Task RefusedAsync(HostPair pair, Passage passage, string image, string what, params string[] words) =>
        RefusedAsync(pair, passage, image, what, flags: [], words);

    private async Task RefusedAsync(HostPair pair, Passage passage, string image, string what, string[] flags, params string[] words)
    {
        var before = await File.ReadAllBytesAsync(image);
        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", .. flags]);
        output.WriteLine($"{what}: {moved}");
        Aftermath.Refused(moved, pair, words);
        await Aftermath.RunsAsync(passage, pair, pair.Alpha, what);
        Assert.Equal(before, await File.ReadAllBytesAsync(image));
    }

    /// <summary>A block device of this machine, which both hosts see.</summary>
    private sealed class LoopDevice(string path, string image) : IAsyncDisposable
    {
        public string Path => path;

        public string Image => image;

        public static async Task<LoopDevice> OverAsync(string image, long bytes)
        {
            await File.WriteAllBytesAsync(image, new byte[bytes]);
            var loop = await Command.RunAsync(["losetup", "--find", "--show", image]);
            Assert.SkipUnless(loop.Succeeded, $"no loop device: {loop.Error}");
            return new LoopDevice(loop.Output.Trim(), image);
        }

        public async ValueTask DisposeAsync() => await Command.RunAsync(["losetup", "--detach", path]).Checked();
    }
}
