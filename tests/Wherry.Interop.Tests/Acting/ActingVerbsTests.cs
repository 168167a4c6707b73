using System.Text.RegularExpressions;
using Wherry.Interop.Tests.Comparison;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Acting;

/// <summary>
/// Verbs that change something, done by wherryd and by stock libvirtd to the same domains, one after the other: each
/// tests/data/acting/*.sh is such a list, one shell command a line, virsh or python3-libvirt. What differs must be explained there
/// ("! why", below the command), and what is explained must differ.
/// </summary>
public sealed partial class ActingVerbsTests(ITestOutputHelper output)
{
    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests/data/acting");

    /// <summary>The distribution's own programs: another Python has none of its modules, and both daemons would fail alike.</summary>
    private const string SearchPath = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";

    /// <summary>virt-install and virt-xml keep their log there and rename it when it has grown; of two hosts' that do so at once one says that it failed.</summary>
    private static string OwnCache(TestHost host) => $"XDG_CACHE_HOME={Path.Combine(host.Directory, "cache")}";

    /// <summary>All, or the one that WHERRY_LIST names.</summary>
    public static TheoryData<string> Lists => [.. Directory.EnumerateFiles(Fixtures, $"{Environment.GetEnvironmentVariable("WHERRY_LIST") ?? "*"}.sh").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Lists))]
    [Trait("layer", "interop")]
    public async Task Verbs_that_act_answer_as_those_of_stock_libvirtd(string list)
    {
        Assert.SkipWhen(StockLibvirtd.Missing is not null, StockLibvirtd.Missing ?? "");
        Assert.SkipWhen(list is "virt-install" or "installing" && Executables.Find("virt-install") is null, "virtinst is not installed");
        Assert.SkipWhen(list == "installing" && GuestImage.Missing is not null, GuestImage.Missing ?? "");
        Assert.SkipWhen(list == "guest" && AgentImage.Missing is not null, AgentImage.Missing ?? "");
        var rows = Explanations.Read(Path.Combine(Fixtures, list + ".sh"));
        var both = await Task.WhenAll(
            RunAsync(list, rows, host => new Wherryd(host) { InLibvirtsDirectories = true }),
            RunAsync(list, rows, host => new StockLibvirtd(host) { WithoutDrivers = ["nodedev"] }));

        var comparison = new AnswerComparison();
        foreach (var (row, ours, stock) in rows.Zip(both[0], both[1]))
            comparison.Add(row.Call, ours, stock, row.WhyDifferent);
        output.WriteLine($"{list}: {comparison.Summary}");
        comparison.Check();
    }

    private static async Task<IReadOnlyList<string>> RunAsync(string list, IReadOnlyList<(string Call, string? WhyDifferent)> rows, Func<TestHost, DaemonRunner> create)
    {
        await using var run = RunDirectory.Create();
        await using var host = await TestHost.CreateAsync(run, "alpha", isolated: true);
        await using var daemon = create(host);
        await host.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", $"{host.Images}/disk.qcow2", "4M").Checked();
        foreach (var file in Directory.EnumerateFiles(Fixtures).Where(file => !file.EndsWith(".sh", StringComparison.Ordinal)))
        {
            var text = (await File.ReadAllTextAsync(file))
                .Replace("@IMAGES@", host.Images, StringComparison.Ordinal)
                .Replace("@KERNEL@", GuestImage.KernelFile, StringComparison.Ordinal)
                .Replace("@HERE@", host.Directory, StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(host.Directory, Path.GetFileName(file)), text);
        }

        if (list == "guest")
            await AgentImage.WriteAsync(Path.Combine(host.Directory, "agent.initrd"));
        var initrd = list == "installing" ? (await GuestImage.GetAsync()).Initrd : "";
        await daemon.StartAsync();
        var answers = new List<string>();
        foreach (var row in rows)
        {
            var result = await Command.RunAsync(host.Enter(
                ["env", $"LIBVIRT_DEFAULT_URI={daemon.Uri}", OwnCache(host), $"KERNEL={GuestImage.KernelFile}", $"INITRD={initrd}", SearchPath, "sh", "-c", "cd \"$1\" && eval \"$2\"", "sh", host.Directory, row.Call]));
            answers.Add(Incidental($"{result.Output}{result.Error}(exit code {result.ExitCode})", run));
        }

        return answers;
    }

    /// <summary>Takes out what differs from run to run, and nothing else.</summary>
    private static string Incidental(string text, RunDirectory run) =>
        Counted().Replace(text.Replace(run.Path, "/run-directory", StringComparison.Ordinal), "${before}N");

    /// <summary>Processor times, and the numbers of pseudo-terminals.</summary>
    [GeneratedRegex(@"(?<before>CPU time: +|/dev/pts/)[\d.]+")]
    private static partial Regex Counted();
}
