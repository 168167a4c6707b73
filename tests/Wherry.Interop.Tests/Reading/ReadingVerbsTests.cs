using System.Text.RegularExpressions;
using Wherry.Interop.Tests.Comparison;
using Wherry.Interop.Tests.Transcript;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Reading;

/// <summary>
/// Every verb that only reads, asked of wherryd and of stock libvirtd about the same two domains: virsh's in tests/data/reading/verbs.txt,
/// and Python's, which show an error's code and domain as well, in calls.txt. What differs must be explained there, and what is explained
/// must differ.
/// </summary>
public sealed partial class ReadingVerbsTests(ITestOutputHelper output)
{
    private const string Python = "/usr/bin/python3";

    /// <summary>On a machine that is very busy QEMU answers too late for domstats, which says so: then it is asked again.</summary>
    private const int MostTries = 20;

    private static readonly string Fixtures = Path.Combine(Repository.Root, "tests/data/reading");

    [Fact]
    [Trait("layer", "interop")]
    public async Task Verbs_that_read_answer_as_those_of_stock_libvirtd()
    {
        Assert.SkipWhen(StockLibvirtd.Missing is not null, StockLibvirtd.Missing ?? "");
        Assert.SkipUnless((await Command.RunAsync([Python, "-c", "import libvirt"])).Succeeded, "python3-libvirt is not installed");
        List<Step.Command> script = [.. SessionScript.Read(Path.Combine(Fixtures, "verbs.txt")).Steps.OfType<Step.Command>(), .. ReadCalls()];
        var both = await Task.WhenAll(AskAsync(script, host => new Wherryd(host) { InLibvirtsDirectories = true }), AskAsync(script, host => new StockLibvirtd(host)));

        var comparison = new AnswerComparison();
        foreach (var (command, ours, stock) in script.Zip(both[0], both[1]))
            comparison.Add(ours.Prompt, ours.ToString(), stock.ToString(), command.WhyDifferent);
        output.WriteLine(comparison.Summary);
        comparison.Check();
    }

    private static async Task<IReadOnlyList<Answer>> AskAsync(IReadOnlyList<Step.Command> script, Func<TestHost, DaemonRunner> create)
    {
        await using var run = RunDirectory.Create();
        await using var host = await TestHost.CreateAsync(run, "alpha", isolated: true);
        await using var daemon = create(host);
        await PrepareAsync(host);
        await daemon.StartAsync();
        await DefineAsync(daemon);
        var answers = new List<Answer>();
        foreach (var command in script.Where(command => command.Host != Python))
        {
            CommandResult result;
            var tries = 0;
            do
                result = await Command.RunAsync(host.Enter(["env", $"LIBVIRT_DEFAULT_URI={daemon.Uri}", "sh", "-c", "cd \"$1\" && shift && exec \"$@\"", "sh", host.Directory, "virsh", .. command.Arguments]));
            while (result.Output.Contains("wherry.stale_ms", StringComparison.Ordinal) && ++tries < MostTries);
            answers.Add(new Answer(command.Text, Incidental(result.Output + result.Error, run), result.ExitCode));
        }

        var calls = script.Where(command => command.Host == Python).ToList();
        var results = await Command.RunAsync(
            host.Enter(Python, Path.Combine(Fixtures, "calls.py"), daemon.Uri), input: string.Concat(calls.Select(call => call.Text + "\n"))).Checked();
        answers.AddRange(calls.Zip(results.Output.TrimEnd('\n').Split('\n'), (call, result) => new Answer(call.Text, Incidental(result, run), 0)));
        Assert.Equal(script.Count, answers.Count);
        return answers;
    }

    /// <summary>One expression a line.</summary>
    private static IEnumerable<Step.Command> ReadCalls() => Explanations.Read(Path.Combine(Fixtures, "calls.txt"))
        .Select(row => new Step.Command(Python, row.Call, []) { WhyDifferent = row.WhyDifferent });

    private static async Task PrepareAsync(TestHost host)
    {
        await host.RunAsync("sh", "-c", "ip link add br0 type bridge && ip link set br0 up").Checked();
        foreach (var arguments in (string[][])
        [
            ["-f", "qcow2", $"{host.Images}/base.qcow2", "4M"],
            ["-f", "qcow2", "-F", "qcow2", "-b", $"{host.Images}/base.qcow2", $"{host.Images}/overlay.qcow2"],
            ["-f", "raw", $"{host.Images}/plain.raw", "2M"],
        ])
            await host.RunAsync(["qemu-img", "create", "-q", .. arguments]).Checked();
        foreach (var file in Directory.EnumerateFiles(Fixtures, "*.xml"))
        {
            var text = (await File.ReadAllTextAsync(file)).Replace("@IMAGES@", host.Images, StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(host.Directory, Path.GetFileName(file)), text);
        }
    }

    private static async Task DefineAsync(DaemonRunner daemon)
    {
        foreach (var name in (string[])["all", "off"])
            await daemon.Virsh.AskAsync("define", Path.Combine(daemon.Host.Directory, name + ".xml"));
        await daemon.Virsh.AskAsync("start", "--paused", "all");
    }

    /// <summary>Takes out what differs from run to run, and nothing else.</summary>
    private static string Incidental(string text, RunDirectory run)
    {
        text = Aligned().Replace(text.Replace(run.Path, "/run-directory", StringComparison.Ordinal), "${before} N");
        text = Counted().Replace(text, "${before}N").Trim('\n');
        // Stock lists several domains' figures in the order of a hash that differs from run to run.
        return text.StartsWith("Domain: ", StringComparison.Ordinal) ? string.Join("\n\n", text.Split("\n\n").Order(StringComparer.Ordinal)) : text;
    }

    /// <summary>Processor times, memory of QEMU and of the host, and what the host's own IPv6 sends over the bridge.</summary>
    [GeneratedRegex(@"(?<before>\b(?:cpu\.time|cpu\.user|cpu\.system|balloon\.rss|vcpu\.\d\.(?:time|delay)|[rw][dr]\.times|net\.\d\.[rt]x\.(?:bytes|pkts|drop))=|\brss |[rt]x_(?:bytes|packets|drop) |CPU time: +|'rss': )[\d.]+", RegexOptions.Multiline)]
    private static partial Regex Counted();

    /// <summary>The host's memory and processor times, in columns: how far to the right one begins depends on its digits.</summary>
    [GeneratedRegex(@"(?<before>Total:|4KiB:|^(?:free|buffers|cached) *:?|^(?:user|system|idle|iowait):?|^\d:) +[\d.]+", RegexOptions.Multiline)]
    private static partial Regex Aligned();
}
