using Wherry.Interop.Tests.Comparison;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Transcript;

/// <summary>
/// One session of unmodified virsh, word for word, once against wherryd and once against stock libvirtd. What differs must be explained
/// in the script, and what is explained must differ. docs/virsh-transcript.md and docs/virsh-devices-transcript.md show the whole sessions; UPDATE_SNAPSHOTS=1 writes them.
/// </summary>
public sealed class VirshTranscriptTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("session", "virsh-transcript")]
    [InlineData("devices", "virsh-devices-transcript")]
    [Trait("layer", "interop")]
    public async Task Virsh_hears_the_same_from_wherryd_as_from_stock_libvirtd(string typed, string page)
    {
        // With another libvirt or QEMU other things differ than those that the script explains.
        foreach (var missing in new[] { GuestImage.Missing, await StockLibvirtd.RecordsMissingAsync() })
            Assert.SkipWhen(missing is not null, missing ?? "");
        var script = SessionScript.Read(Path.Combine(SessionScript.Directory, $"{typed}.txt"));
        var ours = RunAsync(script, (host, _) => new Wherryd(host) { InLibvirtsDirectories = true });
        var stock = RunAsync(script, (host, _) => new StockLibvirtd(host));
        await Task.WhenAll(ours, stock);

        var transcript = new TranscriptDocument(typed, script, await ours, await stock);
        output.WriteLine(transcript.Comparison.Summary);
        var path = Path.Combine(Repository.Root, $"docs/{page}.md");
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
            await File.WriteAllTextAsync(path, transcript.Text);
        transcript.Comparison.Check();
        Assert.True(
            transcript.Text == await File.ReadAllTextAsync(path),
            $"docs/{page}.md is stale: UPDATE_SNAPSHOTS=1 ./run test Interop\n{LineDifference.Of(transcript.Text, await File.ReadAllTextAsync(path))}");
    }

    private static async Task<IReadOnlyList<Answer>> RunAsync(SessionScript script, Func<TestHost, int, DaemonRunner> daemon)
    {
        await using var pair = await HostPair.StartAsync(daemon);
        return await VirshSession.RunAsync(script, pair);
    }
}
