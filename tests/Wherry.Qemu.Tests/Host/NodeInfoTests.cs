using Wherry.Qemu.Host;

namespace Wherry.Qemu.Tests.Host;

public sealed class NodeInfoTests
{
    [Fact]
    public void Two_cells_of_two_threads_are_counted_per_cell()
    {
        using var tree = TwoCells();
        var node = NodeInfo.Read(tree.Files);
        Assert.Equal(new NodeInfo("x86_64", 3072, 8, 2596, Nodes: 2, Sockets: 1, Cores: 2, Threads: 2), node);
        Assert.Equal(8u, node.MaxCpus);
    }

    [Fact]
    public void A_topology_that_does_not_multiply_out_becomes_one_socket_of_single_threaded_cores()
    {
        using var tree = TwoCells().With("sys/devices/system/cpu/present", "0-8\n").With("sys/devices/system/cpu/online", "0-8\n")
            .WithCpu(8, cell: 1, socket: 1, core: 9, siblings: "8");
        Assert.Equal(new NodeInfo("x86_64", 3072, 9, 2596, Nodes: 1, Sockets: 1, Cores: 9, Threads: 1), NodeInfo.Read(tree.Files));
    }

    [Fact]
    public void Offline_cpus_count_towards_the_maximum_only()
    {
        using var tree = TwoCells().With("sys/devices/system/cpu/online", "0-6\n");
        var node = NodeInfo.Read(tree.Files);
        Assert.Equal(7u, node.Cpus);
        Assert.Equal(8u, node.MaxCpus);
    }

    [Fact]
    public void A_kernel_without_numa_is_one_node()
    {
        using var tree = new HostTree()
            .With("proc/meminfo", "MemTotal:       2048 kB\nMemFree: 1024 kB\nBuffers: 5 kB\nCached: 7 kB\n")
            .With("sys/devices/system/cpu/present", "0-1")
            .With("sys/devices/system/cpu/online", "0-1");
        Assert.Equal(new NodeInfo("x86_64", 2048, 2, 0, 1, 1, 1, 1) with { Cores = 2 }, NodeInfo.Read(tree
            .With("sys/devices/system/cpu/cpu1/topology/core_id", "1").Files));
        Assert.Equal(new NodeMemory(2048, 1024, 5, 7), NodeMemory.Read(tree.Files));
        Assert.Null(NodeMemory.Read(tree.Files, cell: 0));
        Assert.Equal([0, 1], Assert.Single(NumaCell.ReadAll(tree.Files)).Cpus.Select(cpu => cpu.Id));
    }

    [Fact]
    public void Cpu_time_adds_interrupts_to_kernel_and_nice_to_user()
    {
        using var tree = new HostTree().With("proc/stat", "cpu  10 1 20 300 4 5 6 0 0 0\ncpu0 1 0 2 3 4 0 0 0 0 0\n");
        Assert.Equal(new NodeCpuTime(310_000_000, 110_000_000, 3_000_000_000, 40_000_000), NodeCpuTime.Read(tree.Files));
        Assert.Equal(20_000_000UL, NodeCpuTime.Read(tree.Files, cpu: 0)!.KernelNs);
        Assert.Null(NodeCpuTime.Read(tree.Files, cpu: 1));
    }

    [Fact]
    public void Cells_list_pages_distances_and_cpus()
    {
        using var tree = TwoCells()
            .With("sys/devices/system/node/node0/hugepages/hugepages-1024kB/nr_hugepages", "1\n")
            .With("sys/devices/system/node/node0/hugepages/hugepages-1024kB/free_hugepages", "1\n");
        var cell = NumaCell.ReadAll(tree.Files)[0];
        Assert.Equal([new PagePool(4, 0, 64), new PagePool(1024, 1, 1)], cell.Pages);
        Assert.Equal([new NumaDistance(0, 10), new NumaDistance(1, 21)], cell.Distances);
        Assert.Equal(["0-1", "0-1", "2-3", "2-3"], cell.Cpus.Select(cpu => cpu.Siblings.ToString()));
    }

    [Theory]
    [InlineData("alpha.example.org", "beta", "alpha.example.org")]
    [InlineData("localhost", "beta", "localhost")]
    [InlineData("alpha", "alpha.example.org", "alpha.example.org")]
    [InlineData("alpha", "localhost.localdomain", "alpha")]
    [InlineData("alpha", null, "alpha")]
    public void The_host_name_follows_libvirts_rule(string kernel, string? resolved, string expected) =>
        Assert.Equal(expected, Hostname.Resolve(kernel, _ => resolved));

    [Theory]
    [InlineData("0-3,8,10-11\n", "0-3,8,10-11")]
    [InlineData("\n", "")]
    [InlineData("1,0,2", "0-2")]
    public void Cpu_lists_are_read_and_written_as_the_kernel_does(string text, string expected) =>
        Assert.Equal(expected, CpuSet.Parse(text).ToString());

    [Theory]
    [InlineData("3-1")]
    [InlineData("a")]
    [InlineData("0-99999999")]
    public void Nonsense_in_a_cpu_list_is_refused(string text) => Assert.Throws<FormatException>(() => CpuSet.Parse(text));

    private static HostTree TwoCells()
    {
        var tree = new HostTree()
            .With("proc/cpuinfo", "processor\t: 0\ncpu MHz\t\t: 2596.130\n")
            .With("sys/devices/system/cpu/present", "0-7\n")
            .With("sys/devices/system/cpu/online", "0-7\n")
            .With("sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:  1024 kB\nNode 0 MemFree:  256 kB\n")
            .With("sys/devices/system/node/node1/meminfo", "Node 1 MemTotal:  2048 kB\nNode 1 MemFree:  256 kB\n")
            .With("sys/devices/system/node/node0/cpulist", "0-3\n")
            .With("sys/devices/system/node/node1/cpulist", "4-7\n")
            .With("sys/devices/system/node/node0/distance", "10 21\n");
        for (var cpu = 0; cpu < 8; cpu++)
            tree.WithCpu(cpu, cell: cpu / 4, socket: cpu / 4, core: cpu % 4 / 2, siblings: $"{cpu / 2 * 2}-{cpu / 2 * 2 + 1}");
        return tree;
    }
}
