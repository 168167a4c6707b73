using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Launch;

public sealed class ThrottlingTests
{
    private static IoTuneSpec Tune(params (string Limit, ulong Value)[] limits) =>
        limits.Aggregate(IoTuneSpec.None, (tune, limit) => tune.With(limit.Limit, limit.Value));

    private static DomainSpec Domain(params IoTuneSpec?[] disks) => DomainSpec.From(DomainDocument.Parse(
        "<domain type='qemu'><name>a</name><memory>65536</memory><devices>"
        + string.Concat(disks.Select((_, at) => $"<disk type='file'><source file='/{at}'/><target dev='vd{(char)('a' + at)}' bus='virtio'/><alias name='virtio-disk{at}'/></disk>"))
        + "</devices></domain>")) is var spec
        ? spec with { Disks = [.. spec.Disks.Zip(disks, (disk, tune) => disk with { IoTune = tune })] }
        : throw new InvalidOperationException();

    [Theory]
    [InlineData("total_bytes_sec", "bps")]
    [InlineData("read_bytes_sec", "bps_rd")]
    [InlineData("write_iops_sec", "iops_wr")]
    [InlineData("total_iops_sec_max", "iops_max")]
    [InlineData("write_bytes_sec_max_length", "bps_wr_max_length")]
    [InlineData("size_iops_sec", "iops_size")]
    public void A_limit_has_another_name_in_QEMU(string limit, string name) => Assert.Equal(name, Throttling.NameOf(limit));

    [Fact]
    public void All_limits_are_told_but_of_the_lengths_only_those_that_are_given()
    {
        var disk = Domain((IoTuneSpec?)null).Disks[0];
        var text = Throttling.Arguments(disk, Tune(("read_bytes_sec", 5), ("read_bytes_sec_max", 6), ("read_bytes_sec_max_length", 2)) with { GroupName = "g" });
        Assert.Equal(
            """{"id":"/machine/peripheral/virtio-disk0/virtio-backend","bps":0,"bps_rd":5,"bps_wr":0,"iops":0,"iops_rd":0,"iops_wr":0,"bps_max":0,"bps_rd_max":6,"bps_wr_max":0,"iops_max":0,"iops_rd_max":0,"iops_wr_max":0,"iops_size":0,"group":"g","bps_rd_max_length":2}""",
            text);
    }

    [Fact]
    public void A_family_of_which_nothing_is_given_stays_and_one_of_which_something_is_given_is_new()
    {
        var spec = Domain(Tune(("read_bytes_sec", 5), ("write_bytes_sec", 6), ("total_iops_sec", 7), ("size_iops_sec", 8)));
        var tune = Throttle.Complete(Tune(("write_bytes_sec", 9)), spec.Disks[0], spec);
        Assert.Equal((0UL, 9UL, 7UL, 8UL), (tune["read_bytes_sec"], tune["write_bytes_sec"], tune["total_iops_sec"], tune["size_iops_sec"]));
    }

    [Fact]
    public void A_disk_that_joins_a_group_gets_its_limits()
    {
        var spec = Domain(Tune(("total_iops_sec", 7)) with { GroupName = "g" }, Tune(("total_bytes_sec", 1)));
        var tune = Throttle.Complete(IoTuneSpec.None with { GroupName = "g" }, spec.Disks[1], spec);
        Assert.Equal(("g", 7UL, 0UL), (tune.GroupName, tune["total_iops_sec"], tune["total_bytes_sec"]));
    }

    [Fact]
    public void Nothing_limited_leaves_the_group_and_is_no_reason_for_a_new_one()
    {
        var spec = Domain(Tune(("total_iops_sec", 7)) with { GroupName = "g" });
        Assert.Null(Throttle.Complete(Tune(("total_iops_sec", 0)), spec.Disks[0], spec).GroupName);
        var error = Assert.Throws<WherryException>(() => Throttle.Complete(Tune(("total_iops_sec", 0)) with { GroupName = "h" }, spec.Disks[0], spec));
        Assert.Equal(ErrorCode.ConfigUnsupported, error.Code);
    }

    [Fact]
    public void A_length_that_is_taken_back_becomes_one_where_something_is_limited()
    {
        var spec = Domain(Tune(("total_iops_sec", 7), ("total_iops_sec_max", 9), ("total_iops_sec_max_length", 3)));
        Assert.Equal(1UL, Throttle.Complete(Tune(("total_iops_sec_max_length", 0)), spec.Disks[0], spec)["total_iops_sec_max_length"]);
        var none = Throttle.Complete(Tune(("total_iops_sec_max_length", 0), ("total_iops_sec", 0), ("total_iops_sec_max", 0)), spec.Disks[0], spec);
        Assert.False(none.LimitsAnything);
    }

    [Theory]
    [InlineData(0, 5, "cannot reset 'read_iops_sec' when 'read_iops_sec_max' is set")]
    [InlineData(6, 5, "value 'read_iops_sec_max' cannot be smaller than 'read_iops_sec'")]
    public void A_burst_is_more_than_what_it_is_a_burst_of(ulong limit, ulong burst, string why)
    {
        var error = Assert.Throws<WherryException>(() => Throttle.CheckBursts(Tune(("read_iops_sec", limit), ("read_iops_sec_max", burst))));
        Assert.Equal((ErrorCode.ConfigUnsupported, why), (error.Code, error.Detail));
    }

    [Fact]
    public void A_taps_traffic_is_shaped_inwards_and_policed_outwards()
    {
        var commands = TrafficControl.Commands("tap0", new BandwidthSpec(new RateSpec(100, 200, 300), new RateSpec(5_000_000, 0, 0)))
            .Select(command => string.Join(' ', command));
        Assert.Equal(
            [
                "qdisc add dev tap0 root handle 1: htb default 1",
                "class add dev tap0 parent 1: classid 1:1 htb rate 100kbps ceil 200kbps burst 300kb quantum 8",
                "qdisc add dev tap0 parent 1:1 handle 2: sfq perturb 10",
                "filter add dev tap0 parent 1:0 protocol all prio 1 handle 1 fw flowid 1",
                "qdisc add dev tap0 ingress",
                "filter add dev tap0 parent ffff: protocol all u32 match u32 0 0 police rate 5000000kbps burst 4194303kb mtu 64kb drop flowid :1",
            ],
            commands);
    }
}
