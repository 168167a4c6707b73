using Wherry.Testbed;
using Wherry.Testbed.Guest;

namespace Wherry.Fault.Tests.Processes;

/// <summary>A destination that cannot take this guest: told in its own words, with the guest undisturbed and nothing left behind.</summary>
public sealed class MismatchTests(ITestOutputHelper output)
{
    // A QEMU that says nothing is given thirty seconds to open its monitor, as with stock: one with much memory may need them.
    private static readonly TimeSpan PrepareFailsWithin = TimeSpan.FromSeconds(45);

    [Fact(Explicit = true)]
    [Fault(45, 47, 48)]
    public async Task A_destination_QEMU_that_is_another_machine_or_does_not_start_gives_its_reason_to_the_client()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        foreach (var (what, script, words) in ((string, string, string[])[])
        [
            ("less memory", "args=(\"${@//201326592/134217728}\"); args=(\"${args[@]//196608k/131072k}\"); exec $QEMU \"${args[@]}\"", ["does not match"]),
            ("another machine", "exec $QEMU \"${@//q35/pc}\"", []),
            ("a device less", "exec $QEMU \"${@//isa-serial/isa-debugcon}\"", []),
            ("says why and ends", "echo 'cannot find my firmware' >&2; exit 1", ["cannot find my firmware"]),
            ("dies of a signal", "echo 'illegal hardware instruction' >&2; kill -ILL $$", ["illegal hardware instruction"]),
            ("not enough memory", "ulimit -v 250000; exec $QEMU \"$@\"", ["emory"]),
        ])
        {
            await Tampering.ReplaceIncomingAsync(pair.Bravo.Host, script);
            var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
            output.WriteLine($"{what}: {moved}");
            await Tampering.RestoreIncomingAsync(pair.Bravo.Host);
            Aftermath.Refused(moved, pair, words);
            await Aftermath.RunsAsync(passage, pair, pair.Alpha, what);
            await Aftermath.GoneAsync(pair.Bravo, passage);
        }

        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    [Fact(Explicit = true)]
    [Fault(47)]
    public async Task A_destination_QEMU_that_says_something_and_then_hangs_is_given_up_with_what_it_said()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        await Tampering.ReplaceIncomingAsync(pair.Bravo.Host, "echo 'waiting for the moon' >&2; exec sleep 600");
        var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        output.WriteLine(moved.ToString());
        await Tampering.RestoreIncomingAsync(pair.Bravo.Host);
        Aftermath.Refused(moved, pair, "waiting for the moon");
        await Aftermath.RunsAsync(passage, pair, pair.Alpha);
        Assert.True(moved.Elapsed < PrepareFailsWithin, $"after {moved.Elapsed}");
        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }

    [Fact(Explicit = true)]
    [Fault(46, 50)]
    public async Task What_is_missing_or_taken_at_the_destination_is_named_and_nothing_is_left_there()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions { Disks = 1 });
        var bravo = pair.Bravo.Host;
        await File.WriteAllTextAsync(Path.Combine(bravo.ImagesOutside, "disk-a.img"), "");
        File.Delete(Path.Combine(bravo.ImagesOutside, "disk-a.img"));

        // The image itself, as if it were shared; then the kernel; then every port.
        var command = await passage.MoveCommandAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        var unsafely = await pair.Alpha.Host.RunAsync(command.Select(word => word == "--copy-storage-all" ? "--unsafe" : word));
        output.WriteLine($"image: {unsafely}");
        Aftermath.Refused(unsafely, pair, "disk-a.img", "No such file");
        await Aftermath.RunsAsync(passage, pair, pair.Alpha, "image");

        var kernels = Path.GetDirectoryName(GuestImage.KernelFile)!;
        await Tampering.ShrinkAsync(bravo, kernels, "1m");
        var kernelless = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
        output.WriteLine($"kernel: {kernelless}");
        await Tampering.RestoreAsync(bravo, kernels);
        Aftermath.Refused(kernelless, pair, "vmlinuz");
        await Aftermath.RunsAsync(passage, pair, pair.Alpha, "kernel");
        Assert.False(File.Exists(Path.Combine(bravo.ImagesOutside, "disk-a.img")), "an image that was made for it is left");

        await using (var all = await Tampering.ListenAsync(bravo, 49152, 49215))
        {
            var portless = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
            output.WriteLine($"ports: {portless}");
            Aftermath.Refused(portless, pair, "49152-49215");
        }

        await Aftermath.RunsAsync(passage, pair, pair.Alpha, "ports");
        await using (var one = await Tampering.ListenAsync(bravo, 49152, 49152))
        {
            var moved = await passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p"]);
            Assert.True(moved.Succeeded, $"{moved}\n{Aftermath.Logs(pair.Alpha, pair.Bravo)}");
        }

        await Aftermath.RunsAsync(passage, pair, pair.Bravo, "one port");
        await Aftermath.AgainAsync(passage, pair, pair.Bravo);
    }

    /// <summary>Nothing keeps a stranger on the network from being the first to connect, and QEMU 7.2 ends itself over what he says.</summary>
    [Fact(Explicit = true)]
    [Fault(49)]
    public async Task A_stranger_who_connects_to_the_port_of_the_memory_first_does_not_disturb_the_guest()
    {
        await using var pair = await RealHosts.TwoWherrydAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions());
        foreach (var flags in new string[][] { [], ["--parallel"] })
        {
            await Aftermath.ArmAsync(pair.Alpha, "src.prepare.reply:hang");
            var moving = passage.MoveAsync(pair.Alpha, pair.Bravo, ["--p2p", .. flags]);
            await Aftermath.HangsAsync(pair.Alpha);
            await pair.Alpha.Host.RunAsync(
                "/usr/bin/python3", "-c",
                $"import socket\ns = socket.create_connection(('{pair.Bravo.Host.ControlAddress}', 49152), 5)\ns.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')\ns.settimeout(1)\ntry: s.recv(1)\nexcept OSError: pass").Checked();
            Aftermath.GoOn(pair.Alpha);
            var moved = await moving;
            output.WriteLine($"{string.Join(' ', flags)}: {moved}");
            await Aftermath.RunsAsync(passage, pair, moved.Succeeded ? pair.Bravo : pair.Alpha);
            if (moved.Succeeded)
                await passage.MoveAsync(pair.Bravo, pair.Alpha, ["--p2p"]).Checked();
        }

        await Aftermath.AgainAsync(passage, pair, pair.Alpha);
    }
}
