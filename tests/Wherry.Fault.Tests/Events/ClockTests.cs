using System.Globalization;
using System.IO.MemoryMappedFiles;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Testbed.Proxies;

namespace Wherry.Fault.Tests.Events;

/// <summary>Somebody sets the clock of both hosts, while memory is sent and while the hand-over is not answered yet.</summary>
public sealed class ClockTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Jump = TimeSpan.FromHours(1);

    [Fact]
    [Fault(64)]
    public async Task A_wall_clock_that_jumps_by_an_hour_ends_nothing()
    {
        await using var crossings = new Hosts();
        await using var crossing = await crossings.EnterAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        var answer = proxy.Hold(RpcFrame.FinishReply);
        var moving = crossing.MoveAsync(proxy.Uri, "--bandwidth", "1");
        await crossing.SendingAsync();
        foreach (var seconds in new[] { Jump, -Jump, Jump })
        {
            crossings.Set(seconds);
            await crossing.Passage.Timeline.WaitForBeatAsync(Passage.Limit);
        }

        await crossing.From.Virsh.AskAsync("migrate-setspeed", crossing.Name, "1000");
        await answer.Fired.WaitAsync(Passage.Limit);
        crossings.Set(-Jump);
        Assert.Equal("running", await crossing.Passage.StateAsync(crossing.To));
        Assert.Equal(0, proxy.Closed);
        answer.Release();
        var moved = await moving;

        // The daemons did see it: their logs have the time of it.
        foreach (var daemon in new[] { crossing.From, crossing.To })
        {
            var stamps = File.ReadLines(daemon.LogPath).Where(line => line.Length > 23 && line.StartsWith("20", StringComparison.Ordinal))
                .Select(line => DateTime.Parse(line.AsSpan(0, 23), CultureInfo.InvariantCulture)).ToList();
            Assert.True(stamps.Max() - stamps.Min() > Jump, daemon.LogTail());
        }

        var elapsed = (await crossing.To.Virsh.AskAsync("domjobinfo", "--completed", crossing.Name)).Split('\n').First(line => line.StartsWith("Time elapsed:", StringComparison.Ordinal));
        output.WriteLine(elapsed);
        Assert.InRange(long.Parse(elapsed.Split(' ', StringSplitOptions.RemoveEmptyEntries)[2], CultureInfo.InvariantCulture), 0, (long)Passage.Limit.TotalMilliseconds);
        await crossing.MovedAsync(moved);
    }

    private sealed class Hosts() : Crossings(new PassageOptions())
    {
        private string _clock = "";

        public void Set(TimeSpan offset)
        {
            using var file = MemoryMappedFile.CreateFromFile(_clock, FileMode.Open);
            using var view = file.CreateViewAccessor(0, sizeof(long));
            view.Write(0, (long)offset.TotalSeconds);
        }

        protected override async Task<HostPair> HostsAsync()
        {
            var pair = await RealHosts.TwoWherrydAsync();
            var library = pair.Run.File("clockshift.so");
            _clock = pair.Run.File("clock");
            await File.WriteAllBytesAsync(_clock, new byte[sizeof(long)]);
            await Command.RunAsync(["gcc", "-shared", "-fPIC", "-O1", "-o", library, Path.Combine(Repository.Root, "tests/Wherry.Testbed/Hosts/clockshift.c")]).Checked();
            foreach (var daemon in new[] { pair.Alpha, pair.Bravo })
            {
                await daemon.StopAsync();
                await daemon.StartAsync(("LD_PRELOAD", library), ("CLOCKSHIFT", _clock));
            }

            return pair;
        }
    }
}
