using System.Diagnostics;
using Wherry.Testbed;
using Wherry.Testbed.Guest;

namespace Wherry.Interop.Tests;

/// <summary>What tests rely on the guest to do, seen on stock libvirtd.</summary>
[Collection(nameof(OneAtATime))]
public sealed class GuestTests
{
    [Fact]
    public async Task A_guest_that_dirties_memory_all_the_time_survives_being_moved_again_and_again()
    {
        await using var pair = await RealHosts.TwoStockAsync();
        await using var passage = await Passage.BoardAsync(pair, new PassageOptions { Load = new GuestLoad(DirtyMiBps: 30, TouchMiB: 64) });
        var (here, there) = (pair.Alpha, pair.Bravo);
        for (var leg = 0; leg < 4; leg++)
        {
            await passage.MoveAsync(here, there, ["--p2p"]).Checked();
            Assert.Empty(await passage.JudgeAsync(there));
            (here, there) = (there, here);
        }
    }

    [Fact]
    public async Task The_guest_obeys_its_power_button_and_its_console()
    {
        await using var pair = await RealHosts.TwoStockAsync();
        await using var serial = new SerialListener(pair.Run.File("serial"));
        var domain = new TestDomain("obedient", await GuestImage.GetAsync(), serial);
        await pair.Alpha.Virsh.RunWithXmlAsync("define", domain.Xml).Checked();

        await pair.Alpha.Virsh.AskAsync("start", domain.Name);
        await serial.Timeline.WaitAsync("the guest's first boot", t => t.OtherLines.Count(line => line == "ready") == 1, Passage.Limit);
        serial.Type("reboot");
        await serial.Timeline.WaitAsync("its second boot", t => t.OtherLines.Count(line => line == "ready") == 2, Passage.Limit);

        using var qemu = Process.GetProcessById(serial.Timeline.Pids.Single());
        await pair.Alpha.Virsh.AskAsync("shutdown", domain.Name);
        await qemu.WaitForExitAsync().WaitAsync(Passage.Limit);
    }
}
