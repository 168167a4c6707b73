using Wherry.Interop.Tests.Comparison;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testbed.Machine;

namespace Wherry.Interop.Tests.Machine;

/// <summary>
/// Control groups of wherryd's guests and of stock libvirtd's, made by a real kernel: in a machine of their own, since a group of the unified
/// hierarchy is the whole host's, and this one's controllers may be in hierarchies of the older kind. Each daemon is asked all of
/// tests/data/machine/cgroups.sh, one after the other.
/// </summary>
[Collection(nameof(OneAtATime))]
public sealed class ControlGroupMachineTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(9);
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests/data/machine");

    // bfq has weights, which the kernel's own scheduler has not; null_blk is a disk without a medium.
    private static readonly string[] Modules = ["bfq", "null_blk"];

    private const string Main = """
        mount -t cgroup2 cgroup2 /sys/fs/cgroup
        . ./groups.sh
        configure
        for KIND in stock ours; do
            start $KIND && ask calls
            stop
            for p in $(qemu .); do kill -9 $p; done
            rmdir /sys/fs/cgroup/machine
        done
        echo '@@@ end 0'
        """;

    // Minutes, since everything in the machine is slow.
    [Fact(Explicit = true)]
    [Trait("suite", "machine")]
    [Trait("layer", "interop")]
    public async Task Guests_have_the_groups_that_stock_libvirtd_gives_them()
    {
        Assert.SkipWhen(TestMachine.Missing is not null, TestMachine.Missing ?? "");
        var rows = Explanations.Read(Path.Combine(Fixtures, "cgroups.sh"));
        await using var run = RunDirectory.Create();
        var machine = new TestMachine(run) { Modules = Modules };
        foreach (var file in Directory.EnumerateFiles(Fixtures).Where(file => !file.EndsWith("cgroups.sh", StringComparison.Ordinal)))
            machine.Files[Path.GetFileName(file)] = (await File.ReadAllTextAsync(file)).Replace("@DAEMON@", TestMachine.Daemon, StringComparison.Ordinal);
        machine.Files["main.sh"] = Main + "\n";
        machine.Files["calls"] = string.Concat(rows.Select(row => row.Call + "\n"));

        var text = await machine.RunAsync(Limit);
        var answers = text.Split("@@@ ").Skip(1).Select(answer => answer.Split('\n', 2)).ToDictionary(answer => answer[0], answer => answer[1].Trim());
        Assert.True(answers.Count == (2 * rows.Count) + 1, $"the machine did not answer all calls:\n{text}");
        var comparison = new AnswerComparison();
        for (var i = 0; i < rows.Count; i++)
            comparison.Add(rows[i].Call, answers[$"ours {i}"], answers[$"stock {i}"], rows[i].WhyDifferent);
        output.WriteLine($"cgroups: {comparison.Summary}");
        comparison.Check();
        Assert.Contains("threaded", answers["stock 1"], StringComparison.Ordinal); // the machine has what this is about
    }
}
