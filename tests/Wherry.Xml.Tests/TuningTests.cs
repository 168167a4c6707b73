namespace Wherry.Xml.Tests;

/// <summary>I/O threads, and shares and limits of what the host has, as they are changed one by one.</summary>
public sealed class TuningTests
{
    private static DomainDocument Document(string rest, string devices = "") => DomainDocument.Parse(
        $"<domain type='qemu'><name>web1</name><memory>65536</memory>{rest}<os><type>hvm</type></os><devices>{devices}</devices></domain>").Complete(DomainXmlData.Context);

    private static string Disk(string name, string iotune = "") =>
        $"<disk type='file'><source file='/{name}'/><target dev='{name}' bus='virtio'/>{iotune}</disk>";

    private static IEnumerable<uint> Threads(DomainDocument document) => DomainSpec.From(document).IoThreads.Select(thread => thread.Id);

    [Theory]
    [InlineData("<iothreads>2</iothreads>", new uint[] { 1, 2 }, false)]
    [InlineData("<iothreads>3</iothreads><iothreadids><iothread id='2'/></iothreadids>", new uint[] { 2, 1, 3 }, true)]
    [InlineData("<iothreadids><iothread id='7'/></iothreadids>", new uint[] { 7 }, true)]
    [InlineData("<iothreads>0</iothreads>", new uint[0], false)]
    public void Io_threads_that_have_no_number_get_the_first_free_ones(string xml, uint[] ids, bool areListed)
    {
        var document = Document(xml);
        Assert.Equal(ids, Threads(document));
        Assert.Equal(areListed, document.ToXml().Contains("<iothreadids>", StringComparison.Ordinal));
        Assert.Equal(ids.Length > 0, document.ToXml().Contains($"<iothreads>{ids.Length}</iothreads>", StringComparison.Ordinal));
    }

    [Fact]
    public void An_io_thread_that_goes_takes_its_pinning_with_it_and_leaves_the_others_their_numbers()
    {
        var document = Document("<iothreads>3</iothreads><cputune><iothreadpin iothread='1' cpuset='0'/><iothreadpin iothread='3' cpuset='0'/></cputune>");
        var without = document.WithoutIoThread(1);
        Assert.Equal([2u, 3u], Threads(without));
        Assert.Equal((null, "0"), (without.IoThreadPin(1), without.IoThreadPin(3)));
        Assert.Equal([2u, 3u], Threads(DomainDocument.Parse(without.ToXml()).Complete(DomainXmlData.Context)));
    }

    [Fact]
    public void Pins_stand_in_the_order_of_the_threads()
    {
        var document = Document("<iothreads>2</iothreads><iothreadids><iothread id='9'/></iothreadids>")
            .WithIoThreadPin(1, [0]).WithIoThreadPin(9, [0, 1, 3]);
        Assert.Matches("(?s)iothread='9' cpuset='0-1,3'.*iothread='1' cpuset='0'", document.ToXml());
    }

    [Fact]
    public void Bounds_of_workers_are_written_and_taken_back()
    {
        var document = Document("<iothreads>1</iothreads>").WithIoThreadPool(1, 2, 5);
        Assert.Equal(new IoThreadSpec(1, 2, 5), Assert.Single(DomainSpec.From(document).IoThreads));
        Assert.Equal(new IoThreadSpec(1), Assert.Single(DomainSpec.From(document.WithIoThreadPool(1, -1, -1)).IoThreads));
    }

    [Fact]
    public void Limits_of_a_disk_are_those_of_all_disks_of_its_group()
    {
        const string group = "<iotune><group_name>g</group_name><total_iops_sec>5</total_iops_sec></iotune>";
        var changed = Document("", Disk("vda", group) + Disk("vdb", group) + Disk("vdc"))
            .WithIoTune("vdb", IoTuneSpec.None.With("read_bytes_sec", 7) with { GroupName = "g" });
        var disks = DomainSpec.From(changed).Disks;
        Assert.Equal((7UL, 0UL), (disks[0].IoTune!["read_bytes_sec"], disks[0].IoTune!["total_iops_sec"]));
        Assert.Equal(7UL, disks[1].IoTune!["read_bytes_sec"]);
        Assert.Null(disks[2].IoTune);
        Assert.Null(DomainSpec.From(changed.WithIoTune("vda", IoTuneSpec.None)).Disks[0].IoTune);
    }

    [Fact]
    public void Limits_stand_in_libvirts_order_whatever_they_were_written_in()
    {
        var xml = Document("", Disk("vda", "<iotune><read_iops_sec_max_length>2</read_iops_sec_max_length><group_name>g</group_name><size_iops_sec>1</size_iops_sec><read_iops_sec_max>9</read_iops_sec_max><read_iops_sec>3</read_iops_sec><write_iops_sec>0</write_iops_sec></iotune>")).ToXml();
        Assert.Matches("(?s)<read_iops_sec>3.*<read_iops_sec_max>9.*<size_iops_sec>1.*<group_name>g.*<read_iops_sec_max_length>2", xml);
        Assert.DoesNotContain("write_iops_sec", xml, StringComparison.Ordinal);
    }

    [Fact]
    public void Periods_and_quotas_of_zero_are_not_written_and_shares_of_zero_are()
    {
        var document = Document("").WithCpuTuning([new("quota", -1), new("period", 5000), new("shares", 0)]);
        Assert.Equal((-1, 5000, 0), (document.CpuTuning("quota"), document.CpuTuning("period"), document.CpuTuning("emulator_quota")));
        Assert.Contains("<shares>0</shares>", document.ToXml(), StringComparison.Ordinal);
        Assert.DoesNotContain("<period>", document.WithCpuTuning([new("period", 0)]).ToXml(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_memory_limit_without_end_is_none()
    {
        var document = Document("<memtune><hard_limit unit='MiB'>5</hard_limit></memtune>");
        Assert.Equal((5120UL, DomainDocument.UnlimitedMemoryKiB), (document.MemoryLimitKiB("hard_limit"), document.MemoryLimitKiB("soft_limit")));
        Assert.DoesNotContain("memtune", document.WithMemoryLimits([new("hard_limit", DomainDocument.UnlimitedMemoryKiB)]).ToXml(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_device_without_limits_is_not_written()
    {
        var document = Document("<blkiotune><weight>500</weight><device><path>/dev/sda</path><weight>300</weight></device></blkiotune>");
        var device = Assert.Single(document.BlkioDevices);
        Assert.Equal(("/dev/sda", 300UL), (device.Path, device.Limits["weight"]));
        var changed = document.WithBlkioTuning(0, [device with { Limits = device.Limits.SetItem("weight", 0) }]);
        Assert.DoesNotContain("blkiotune", changed.ToXml(), StringComparison.Ordinal);
    }

    [Fact]
    public void Numa_nodes_are_written_as_ranges()
    {
        var document = Document("<numatune><memory nodeset='0-3,^2'/></numatune>");
        Assert.Contains("<memory mode='strict' nodeset='0-1,3'/>", document.ToXml(), StringComparison.Ordinal);
        Assert.Equal("interleave", document.WithNumaTuning(document.NumaTuning! with { Mode = "interleave" }).NumaTuning!.Mode);
    }

    [Fact]
    public void Bandwidth_is_read_and_written_by_direction()
    {
        var document = Document("", "<interface type='ethernet'><mac address='52:54:00:00:00:01'/><bandwidth><outbound average='0'/><inbound average='5' burst='6' peak='7'/></bandwidth></interface>");
        Assert.Contains("<inbound average='5' peak='7' burst='6'/>", document.ToXml(), StringComparison.Ordinal);
        var nic = Assert.Single(DomainSpec.From(document).Interfaces);
        Assert.Equal(new BandwidthSpec(new RateSpec(5, 7, 6), null), nic.Bandwidth);
        Assert.DoesNotContain("bandwidth", document.WithBandwidth(nic.Mac, new BandwidthSpec(null, null)).ToXml(), StringComparison.Ordinal);
    }
}
