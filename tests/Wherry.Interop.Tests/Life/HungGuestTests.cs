using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Life;

/// <summary>A guest whose QEMU does not answer any more (SIGSTOP) costs nobody else anything, and itself only what needs its monitor.</summary>
[Collection(nameof(OneAtATime))]
public sealed class HungGuestTests(ITestOutputHelper output)
{
    /// <summary>virsh itself takes some 50 ms to start; on a machine that is busy with other tests, many times that.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(3);

    private const int JobTimeoutSeconds = 4;

    private const int SlowEndSeconds = 2;

    [Fact]
    [Trait("layer", "interop")]
    public async Task While_a_QEMU_hangs_reads_answer_calls_fail_in_time_and_destroy_works()
    {
        await using var lone = await StartAsync();
        var virsh = lone.Virsh;
        await virsh.RunWithXmlAsync("create", new FirmwareDomain("stuck").Xml).Checked();
        await virsh.RunWithXmlAsync("create", new FirmwareDomain("other").Xml).Checked();
        var qemu = await QemuPid.OfAsync(lone, "stuck");
        qemu.Signal(PosixSignal.Stop);

        var first = TimedAsync(virsh, "suspend", "stuck");
        await UntilHeldAsync(virsh);
        var second = TimedAsync(virsh, "reset", "stuck");
        foreach (var read in (string[][])[["domstate", "stuck"], ["dominfo", "stuck"], ["dumpxml", "stuck"], ["list", "--all"], ["domjobinfo", "stuck"]])
        {
            var answer = await virsh.RunAsync(read).Checked();
            Assert.True(answer.Elapsed < AtOnce, answer.ToString());
        }

        // The one who waits for QEMU, and the one who waits for him.
        var (answered, waited) = (await first, await second);
        Assert.Contains("error: Timed out during operation: QEMU did not answer 'stop' within 4 s", answered.Error, StringComparison.Ordinal);
        Assert.Contains(
            "error: Timed out during operation: cannot acquire state change lock (held by monitor=remoteDispatchDomainSuspend)", waited.Error, StringComparison.Ordinal);
        foreach (var late in new[] { answered, waited })
            Assert.InRange(late.Elapsed.TotalSeconds, JobTimeoutSeconds, JobTimeoutSeconds + AtOnce.TotalSeconds);

        // QEMU still owes the answer, so the next caller fails with the same words, and not after twice the time.
        var third = await virsh.RunAsync("resume", "stuck");
        Assert.Contains("held by monitor=remoteDispatchDomainSuspend", third.Error, StringComparison.Ordinal);
        Assert.InRange(third.Elapsed.TotalSeconds, JobTimeoutSeconds, JobTimeoutSeconds + AtOnce.TotalSeconds);

        await virsh.AskAsync("suspend", "other");
        var destroyed = await virsh.RunAsync("destroy", "stuck").Checked();
        output.WriteLine($"destroyed in {destroyed.Elapsed.TotalSeconds:0.0} s");
        // It is woken to hear SIGTERM: nobody has to wait for SIGKILL.
        Assert.True(destroyed.Elapsed < AtOnce, destroyed.ToString());
        Assert.DoesNotContain("stuck", await virsh.AskAsync("list", "--all"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("layer", "interop")]
    public async Task A_QEMU_that_hung_and_goes_on_is_usable_again()
    {
        await using var lone = await StartAsync();
        var virsh = lone.Virsh;
        await virsh.RunWithXmlAsync("create", new FirmwareDomain("stuck").Xml).Checked();
        var qemu = await QemuPid.OfAsync(lone, "stuck");
        qemu.Signal(PosixSignal.Stop);
        Assert.False((await virsh.RunAsync("suspend", "stuck")).Succeeded);
        qemu.Signal(PosixSignal.Continue);
        // The command that nobody waited for has been executed, and its event tells the truth.
        await virsh.UntilAsync("paused", "domstate", "stuck");
        await virsh.AskAsync("resume", "stuck");
        Assert.Equal("running", await virsh.AskAsync("domstate", "stuck"));
        await virsh.AskAsync("destroy", "stuck");
    }

    [Fact]
    [Trait("layer", "interop")]
    [Trait("req", "S4.5")]
    [Trait("req", "S4.6")]
    [Trait("req", "S4.7")]
    [Trait("req", "S4.16")]
    public async Task Thirty_callers_of_a_hung_guest_and_its_slow_end_delay_nobody_else()
    {
        await using var lone = await StartAsync(jobTimeout: 15, terminationWait: SlowEndSeconds);
        var virsh = lone.Virsh;
        await virsh.RunWithXmlAsync("create", new FirmwareDomain("stuck").Xml).Checked();
        await virsh.RunWithXmlAsync("define", new FirmwareDomain("other").Xml).Checked();
        (await QemuPid.OfAsync(lone, "stuck")).Signal(PosixSignal.Stop);

        // One process, thirty connections, and then 100 calls on the rest: 30 virsh would measure the machine.
        var script = Path.Combine(Repository.Root, "tests/data/python/bystander.py");
        var result = await Command.RunAsync(lone.Daemon.Host.Enter(["/usr/bin/python3", script, lone.Daemon.Uri, "stuck", "other"])).Checked();
        output.WriteLine(result.Output.Trim());
        var figures = result.Output.Split('\n').First(line => line.StartsWith("longest", StringComparison.Ordinal)).Split(' ');
        Assert.Equal("30", figures[^1]);
        Assert.InRange(double.Parse(figures[1], CultureInfo.InvariantCulture), 0, AtOnce.TotalSeconds);
        Assert.InRange(double.Parse(figures[8], CultureInfo.InvariantCulture), SlowEndSeconds, SlowEndSeconds + AtOnce.TotalSeconds);
    }

    private static async Task<LoneHost> StartAsync(int jobTimeout = JobTimeoutSeconds, int terminationWait = 10)
    {
        Assert.SkipWhen(TestHost.IsolationMissing is not null, TestHost.IsolationMissing ?? "");
        return await LoneHost.StartAsync((host, port) => new Wherryd(host, port)
        {
            MoreQemuConfiguration = $"wherry_job_timeout = {jobTimeout}\nwherry_termination_wait = {terminationWait}\nwherry_kill_wait = 2",
        });
    }

    private static Task<CommandResult> TimedAsync(Virsh virsh, params string[] command) => virsh.RunAsync(command);

    /// <summary>The first caller has its turn when domcontrol says so.</summary>
    private static Task UntilHeldAsync(Virsh virsh) => virsh.UntilAsync("occupied", "domcontrol", "stuck");
}
