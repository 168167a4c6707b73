using Wherry.Errors;
using Wherry.Qemu.ControlGroups;
using Wherry.Testing;
using Wherry.Testing.ControlGroups;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.ControlGroups;

/// <summary>What a definition says becomes the values that stock libvirt 9.0 writes, in its order.</summary>
public sealed class DomainCgroupTests
{
    private const string Group = "machine/qemu-7-web.libvirt-qemu/";

    private readonly FakeCgroupFiles _files = new();
    private int _start;

    [Fact]
    public void Limits_of_the_whole_guest_are_written_in_libvirts_order()
    {
        var group = Make();
        group.Limit(Document("""
            <memtune><swap_hard_limit unit='MiB'>3</swap_hard_limit><hard_limit unit='MiB'>2</hard_limit><soft_limit>1024</soft_limit></memtune>
            <blkiotune><weight>300</weight><device><path>/dev/sda</path><weight>200</weight><write_bytes_sec>4000</write_bytes_sec><read_iops_sec>10</read_iops_sec></device></blkiotune>
            <cputune><shares>500</shares></cputune>
            """));
        Assert.Equal(
            [
                "io.weight = default 300", "io.weight = 8:0 200", "io.max = 8:0 riops=10", "io.max = 8:0 wbps=4000",
                "memory.max = 2097152", "memory.high = 1048576", "memory.swap.max = 3145728",
                "cpu.weight = 500",
            ],
            Written());
    }

    [Fact]
    public void A_definition_that_says_nothing_writes_nothing()
    {
        var group = Make();
        group.Limit(Document(""));
        group.SetBandwidth(group: null, ThreadTuning.GlobalBandwidth(Document("")));
        Assert.Empty(Written());
    }

    [Theory]
    [InlineData("<cputune><shares>500</shares></cputune>", "unsupported configuration: CPU tuning is not available on this host")]
    [InlineData("<memtune><soft_limit>9</soft_limit></memtune>", "unsupported configuration: Memory cgroup is not available on this host")]
    [InlineData("<blkiotune><weight>300</weight></blkiotune>", "unsupported configuration: Block I/O tuning is not available on this host")]
    public void A_group_that_lacks_what_the_definition_needs_refuses_it_as_libvirt_does(string tuning, string message)
    {
        var error = Assert.Throws<WherryException>(() => Make(CgroupControllers.CpuSet).Limit(Document(tuning)));
        Assert.Equal((message, ErrorDomain.Domain), (error.Message, error.Domain));
    }

    [Fact]
    public void Groups_of_threads_get_processors_nodes_and_time()
    {
        var group = Make();
        var document = Document("""
            <vcpu cpuset='0-2,^1'>2</vcpu>
            <cputune>
              <period>50000</period><quota>20000</quota><emulator_period>60000</emulator_period><iothread_quota>-1</iothread_quota>
              <vcpupin vcpu='1' cpuset='3'/><iothreadpin iothread='4' cpuset='1,0'/>
            </cputune>
            <numatune><memory mode='strict' nodeset='1'/></numatune>
            """);
        group.Make(ThreadGroup.Emulator, ThreadTuning.OfEmulator(document));
        group.Make(ThreadGroup.Vcpu(1), ThreadTuning.OfVcpu(document, 1));
        group.AddThread(ThreadGroup.Vcpu(1), 815);
        group.Make(ThreadGroup.IoThread(4), ThreadTuning.OfIoThread(document, 4));
        string[] made = ["cgroup.subtree_control = +cpu", "cgroup.subtree_control = +cpuset"];
        Assert.Equal(
            [
                $"mkdir {Group}emulator", "emulator/cgroup.type = threaded", .. made,
                "emulator/cpuset.cpus = 0,2", "emulator/cpuset.mems = 1", "emulator/cpu.max = max 60000",
                $"mkdir {Group}vcpu1", "vcpu1/cgroup.type = threaded", .. made,
                "vcpu1/cpuset.cpus = 3", "vcpu1/cpuset.mems = 1", "vcpu1/cpu.max = max 50000", "vcpu1/cpu.max = 20000",
                "vcpu1/cgroup.threads = 815",
                $"mkdir {Group}iothread4", "iothread4/cgroup.type = threaded", .. made,
                "iothread4/cpuset.cpus = 0-1", "iothread4/cpuset.mems = 1", "iothread4/cpu.max = max",
            ],
            Written());
        Assert.Equal(new CpuBandwidth(50_000, 20_000), group.ReadBandwidth(ThreadGroup.Vcpu(1)));
        Assert.Equal(new CpuBandwidth(100_000, CpuBandwidth.Unlimited), group.ReadBandwidth(ThreadGroup.IoThread(4)));
    }

    [Fact]
    public void Memory_that_is_only_preferred_is_no_matter_of_groups()
    {
        var document = Document("<numatune><memory mode='preferred' nodeset='1'/></numatune>");
        Assert.Null(ThreadTuning.OfEmulator(document).Nodes);
    }

    [Fact]
    public void A_group_of_threads_that_cannot_be_set_up_is_not_left_behind()
    {
        var group = Make();
        var document = Document("<cputune><quota>500</quota></cputune>"); // below what the kernel takes
        var error = Assert.Throws<WherryException>(() => group.Make(ThreadGroup.Vcpu(0), ThreadTuning.OfVcpu(document, 0)));
        Assert.Equal("Invalid value '500' for 'cpu.max': Invalid argument", error.Message);
        Assert.False(group.Contains(ThreadGroup.Vcpu(0)));
    }

    [Fact]
    public void A_bandwidth_that_is_refused_leaves_the_one_before()
    {
        var group = Make();
        group.SetBandwidth(group: null, new CpuBandwidth(40_000, 30_000));
        Assert.Throws<WherryException>(() => group.SetBandwidth(group: null, new CpuBandwidth(90_000, 500)));
        Assert.Equal(new CpuBandwidth(40_000, 30_000), group.ReadBandwidth(group: null));
        group.SetBandwidth(group: null, new CpuBandwidth(0, -1));
        Assert.Equal(new CpuBandwidth(40_000, CpuBandwidth.Unlimited), group.ReadBandwidth(group: null));
    }

    [Fact]
    public void Shares_outside_of_libvirts_range_are_refused_before_the_kernel_and_those_outside_of_the_kernels_by_it()
    {
        var group = Make();
        Assert.Equal("invalid argument: shares '1' must be in range [2, 262144]", Assert.Throws<WherryException>(() => group.SetShares(1)).Message);
        Assert.Equal(
            $"Unable to write to '/sys/fs/cgroup/{Group}cpu.weight': Numerical result out of range",
            Assert.Throws<WherryException>(() => group.SetShares(20_000)).Message);
        group.SetShares(10_000);
        Assert.Equal(10_000u, group.ReadShares());
    }

    [Fact]
    public void Memory_limits_come_back_in_KiB_and_a_kernel_without_swap_has_no_limit_of_it()
    {
        var group = Make();
        group.SetMemoryLimit("hard_limit", 1025);
        Assert.Equal(1025u, group.ReadMemoryLimit("hard_limit"));
        Assert.Equal(DomainDocument.UnlimitedMemoryKiB, group.ReadMemoryLimit("soft_limit"));
        group.SetMemoryLimit("hard_limit", DomainDocument.UnlimitedMemoryKiB);
        Assert.Equal("memory.max = max", Written()[^1]);

        var without = Make(files: new FakeCgroupFiles("cpu"));
        Assert.Equal(DomainDocument.UnlimitedMemoryKiB, without.ReadMemoryLimit("swap_hard_limit"));
        Assert.Contains("No such file", Assert.Throws<WherryException>(() => without.ReadMemoryLimit("hard_limit")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void While_a_processor_is_plugged_the_emulator_may_use_every_node()
    {
        var group = Make();
        group.Make(ThreadGroup.Emulator, new ThreadTuning(Cpus: null, Nodes: "1", default));
        using (EmulatorNodes.Widen(group))
            Assert.Equal("0-1", group.ReadNodes(ThreadGroup.Emulator));
        Assert.Equal("1", group.ReadNodes(ThreadGroup.Emulator));
        Assert.Null(EmulatorNodes.Widen(null));
    }

    [Fact]
    public void Processor_time_is_counted_in_nanoseconds_until_the_group_is_gone()
    {
        var group = Make();
        _files[group.Path + "/cpu.stat"] = "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 7\n";
        Assert.Equal(new CgroupCpuTime(1_500_000, 1_000_000, 500_000), group.ReadCpuTime());
        _files[group.Path + "/cpu.stat"] = null;
        Assert.Null(group.ReadCpuTime());
        Assert.Equal(ErrorCode.InternalError, Assert.Throws<WherryException>(() => CgroupCpuTime.Parse("usage_usec x\n")).Code);
    }

    [Theory]
    [InlineData("max 100000\n", 100_000, CpuBandwidth.Unlimited)]
    [InlineData("20000 50000\n", 50_000, 20_000)]
    public void The_kernels_bandwidth_is_understood(string text, ulong period, long quota) => Assert.Equal(new CpuBandwidth(period, quota), CpuBandwidth.Parse(text));

    [Theory]
    [InlineData("")]
    [InlineData("max")]
    [InlineData("x 100000")]
    [InlineData("max -5")]
    public void What_is_no_bandwidth_is_an_internal_error(string text) =>
        Assert.Equal(ErrorCode.InternalError, Assert.Throws<WherryException>(() => CpuBandwidth.Parse(text)).Code);

    private DomainCgroup Make(CgroupControllers allowed = CgroupControllers.All, FakeCgroupFiles? files = null)
    {
        var group = new GuestCgroups(files ?? _files, isSystem: true, allowed, "", new ManualTimeProvider(), new ListLogger()).Create(7, "web", "/machine")!;
        _start = _files.Done.Count;
        return group;
    }

    private List<string> Written() =>
        [.. _files.Done.Skip(_start).Select(line => line.StartsWith(Group, StringComparison.Ordinal) ? line[Group.Length..] : line)];

    private static DomainDocument Document(string tuning) => DomainDocument.Parse($"<domain type='qemu'><name>web</name>{tuning}</domain>");
}
