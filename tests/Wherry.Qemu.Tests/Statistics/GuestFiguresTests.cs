using System.Text.Json;
using Wherry.Qemu.Host;
using Wherry.Qemu.Statistics;

namespace Wherry.Qemu.Tests.Statistics;

public sealed class GuestFiguresTests
{
    [Theory]
    [InlineData("CPU 0/TCG\n", 0)]
    [InlineData("CPU 12/KVM\n", 12)]
    [InlineData("ALL CPUs/TCG\n", null)]
    [InlineData("IO iothread1\n", null)]
    [InlineData("qemu-system-x86\n", null)]
    [InlineData("CPU /TCG\n", null)]
    public void A_thread_s_name_says_which_virtual_CPU_it_runs(string comm, int? expected) => Assert.Equal(expected, GuestThreads.VcpuOf(comm));

    [Theory]
    [InlineData("/machine/peripheral/virtio-disk0/virtio-backend", "virtio-disk0")]
    [InlineData("/machine/peripheral/ide0-0-1", "ide0-0-1")]
    [InlineData("scsi0-0-0-0", "scsi0-0-0-0")]
    public void A_drive_is_known_by_the_alias_of_its_disk(string qdev, string alias) => Assert.Equal(alias, DriveFigures.AliasOf(qdev));

    [Theory]
    [InlineData("libvirt-12-format", 12)]
    [InlineData("libvirt-12-storage", null)]
    [InlineData("mirror-target", null)]
    public void An_image_is_known_by_the_number_in_its_node_s_name(string node, int? index) => Assert.Equal(index, DriveFigures.IndexOf(node));

    [Fact]
    public void What_the_guest_s_driver_does_not_know_is_left_out_and_bytes_become_KiB()
    {
        var reply = JsonDocument.Parse("""
            {"stats": {"stat-swap-in": 0, "stat-total-memory": 1048576, "stat-free-memory": 2048, "stat-disk-caches": 18446744073709551615,
             "stat-major-faults": 7}, "last-update": 1700000000}
            """).RootElement;
        Assert.Equal(
            [
                new(MemoryStatisticKind.SwapIn, 0),
                new(MemoryStatisticKind.MajorFault, 7),
                new(MemoryStatisticKind.Unused, 2),
                new(MemoryStatisticKind.Available, 1024),
                new(MemoryStatisticKind.LastUpdate, 1_700_000_000),
            ],
            GuestMemoryFigures.Read(reply));
    }

    [Fact]
    public void What_the_host_sends_into_a_tap_the_guest_receives()
    {
        var root = Directory.CreateTempSubdirectory("wherry-");
        try
        {
            Directory.CreateDirectory(Path.Combine(root.FullName, "proc/net"));
            File.WriteAllText(Path.Combine(root.FullName, "proc/net/dev"), """
                Inter-|   Receive                                                |  Transmit
                 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
                  vnet1:      99       9    9    9    0     0          0         0       99       9    9    9    0     0       0          0
                  vnet0:       1       2    3    4    0     0          0         0      110       6    7    8    0     0       0          0
                """);
            var counters = InterfaceCounters.Read(new HostFiles(root.FullName), "vnet0")!.SeenByGuest;
            Assert.Equal(new TrafficCounters(110, 6, 7, 8), counters.Received);
            Assert.Equal(new TrafficCounters(1, 2, 3, 4), counters.Sent);
            Assert.Null(InterfaceCounters.Read(new HostFiles(root.FullName), "vnet"));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }
}
