using System.Globalization;
using System.Text.RegularExpressions;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Life;

/// <summary>
/// A restart of the daemon is a non-event: the guests go on, keep their numbers, aliases and processes, and whoever was answered heard
/// the events. Every second restart is a SIGKILL.
/// </summary>
[Collection(nameof(OneAtATime))]
public sealed partial class RestartTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    [Trait("layer", "interop")]
    public Task Guests_live_through_restarts_of_the_daemon_while_verbs_run() => RestartAsync(guests: 5, restarts: 4);

    [Fact(Explicit = true)]
    [Trait("suite", "restarts")]
    public Task Fifty_guests_live_through_twenty_restarts_of_the_daemon_while_verbs_run() => RestartAsync(guests: 50, restarts: 20);

    [Fact]
    [Trait("layer", "interop")]
    public async Task A_reboot_that_was_asked_for_survives_the_daemon_and_a_power_off_without_one_is_finished()
    {
        await using var lone = await StartAsync();
        var virsh = lone.Virsh;
        foreach (var name in new[] { "rebooting", "leaving", "crashing" })
            await virsh.RunWithXmlAsync(
                "create", new FirmwareDomain(name) { Elements = "<on_crash>preserve</on_crash>", Devices = "<panic model='isa'/>" }.Xml).Checked();
        foreach (var name in new[] { "rebooting", "leaving", "crashing" })
            await UntilBootedAsync(virsh, name);

        await virsh.AskAsync("reboot", "rebooting");
        await lone.Daemon.KillAsync();
        await lone.Daemon.StartAsync();
        await PowerOffAsync(virsh, "rebooting");
        await UntilBootedAsync(virsh, "rebooting");
        Assert.Equal("running (booted)", await virsh.AskAsync("domstate", "--reason", "rebooting"));

        // What guests do while there is no daemon: their QEMUs are told in advance, by writes to the ports that a guest would use.
        await virsh.AskAsync("reboot", "rebooting");
        foreach (var (name, write) in new[] { ("rebooting", PowerOff), ("leaving", PowerOff), ("crashing", "o /1b 0x505 1") })
            await DelayedAsync(lone, name, write);
        await virsh.UntilAsync("running", "domstate", "rebooting");
        Assert.Equal("crashed (panicked)", await virsh.AskAsync("domstate", "--reason", "crashing"));
        await virsh.UntilAsync("crashing", "list", "--name");
        await UntilGoneAsync(virsh, "leaving");
        await UntilBootedAsync(virsh, "rebooting");
    }

    [Fact]
    [Trait("layer", "interop")]
    public async Task A_QEMU_whose_status_cannot_be_read_is_neither_ended_nor_started_twice()
    {
        await using var lone = await StartAsync();
        var (virsh, daemon) = (lone.Virsh, (Wherryd)lone.Daemon);
        await virsh.RunWithXmlAsync("define", new FirmwareDomain("torn").Xml).Checked();
        await virsh.RunWithXmlAsync("define", new FirmwareDomain("newer").Xml).Checked();
        await virsh.RunWithXmlAsync("define", new FirmwareDomain("whole").Xml).Checked();
        foreach (var name in new[] { "torn", "newer", "whole" })
            await virsh.AskAsync("start", name);
        var pids = new[] { "torn", "newer" }.Select(name => QemuPid.AllOf(lone, name).Single()).ToList();
        await daemon.KillAsync();
        var status = Path.Combine(daemon.RuntimeDirectory, "qemu");
        var (torn, newer) = (Path.Combine(status, "torn.json"), Path.Combine(status, "newer.json"));
        var (whole, later) = (await File.ReadAllTextAsync(torn), await File.ReadAllTextAsync(newer));
        await File.WriteAllTextAsync(torn, whole[..100]);
        await File.WriteAllTextAsync(newer, later.Replace("\"schema\": 1", "\"schema\": 99", StringComparison.Ordinal));
        await daemon.StartAsync();

        Assert.Equal("running", await virsh.AskAsync("domstate", "whole"));
        foreach (var name in new[] { "torn", "newer" })
        {
            var refused = await virsh.RunAsync("start", name);
            Assert.Contains($"domain '{name}' runs already, and its status could not be read", refused.Error, StringComparison.Ordinal);
        }

        Assert.Equal(pids, new[] { "torn", "newer" }.Select(name => QemuPid.AllOf(lone, name).Single()));
        Assert.Contains("torn.json' cannot be understood and is kept as", daemon.LogTail(400), StringComparison.Ordinal);
        Assert.Contains("newer.json' is of a later version and is left alone", daemon.LogTail(400), StringComparison.Ordinal);

        // The file comes back as it was (the later version does), and so does the domain; the other's QEMU ends, and it may start.
        await daemon.StopAsync();
        await File.WriteAllTextAsync(newer, later);
        await daemon.StartAsync();
        Assert.Equal("running", await virsh.AskAsync("domstate", "newer"));
        new QemuPid(pids[0]).Signal(PosixSignal.Kill);
        while (QemuPid.AllOf(lone, "torn").Contains(pids[0]))
            await Task.Yield();
        await virsh.AskAsync("start", "torn");
    }

    /// <summary>A daemon that is killed in the midst of a start, of which it has not yet written anything.</summary>
    [Fact]
    [Trait("layer", "interop")]
    public async Task A_start_that_was_cut_short_leaves_no_directories_behind_and_a_guest_keeps_its_own()
    {
        await using var lone = await StartAsync();
        var daemon = (Wherryd)lone.Daemon;
        await lone.Virsh.RunWithXmlAsync("create", new FirmwareDomain("whole").Xml).Checked();
        await daemon.KillAsync();
        var state = Path.Combine(daemon.StateDirectory, "qemu");
        var places = new[] { state, Path.Combine(state, "channel", "target") };
        foreach (var place in places)
            Directory.CreateDirectory(Path.Combine(place, "domain-99-cut-short", "below"));
        await daemon.StartAsync();

        Assert.Equal("running", await lone.Virsh.AskAsync("domstate", "whole"));
        Assert.All(places, place => Assert.Equal(["domain-1-whole"], Directory.EnumerateDirectories(place, "domain-*").Select(Path.GetFileName)));
    }

    [Fact]
    [Trait("layer", "interop")]
    public async Task Autostart_happens_once_per_boot_of_the_host_in_the_order_of_names()
    {
        await using var lone = await StartAsync();
        var (virsh, daemon) = (lone.Virsh, (Wherryd)lone.Daemon);
        foreach (var name in new[] { "charlie", "able", "baker" })
        {
            await virsh.RunWithXmlAsync("define", new FirmwareDomain(name).Xml).Checked();
            await virsh.AskAsync("autostart", name);
        }

        await daemon.StopAsync();
        await daemon.StartAsync();
        Assert.Equal("", await virsh.AskAsync("list", "--name"));
        await daemon.StopAsync();
        File.Delete(Path.Combine(daemon.RuntimeDirectory, "qemu", "autostarted")); // as a boot does
        await daemon.StartAsync();
        await virsh.UntilAsync("charlie", "list", "--name");
        Assert.Equal(["able", "baker", "charlie"], (await virsh.AskAsync("list", "--name")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        var ids = await Task.WhenAll(new[] { "able", "baker", "charlie" }.Select(name => virsh.AskAsync("domid", name)));
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
    }

    private const string PowerOff = "o /1h 0x604 0x2000";

    private async Task RestartAsync(int guests, int restarts)
    {
        await using var lone = await StartAsync();
        var virsh = lone.Virsh;
        var names = Enumerable.Range(1, guests).Select(n => string.Create(CultureInfo.InvariantCulture, $"guest{n:00}")).ToList();
        foreach (var name in names)
            await virsh.RunWithXmlAsync("create", new FirmwareDomain(name).Xml).Checked();
        var before = await IdentitiesAsync(virsh, lone, names);

        await using var verbs = LongCommand.Start(
            lone.Daemon.Host, ["/usr/bin/python3", Path.Combine(Repository.Root, "tests/data/python/restarts.py"), lone.Daemon.Uri, .. names]);
        for (var restart = 1; restart <= restarts; restart++)
        {
            Assert.True(await verbs.WaitAsync(lines => lines.Count(line => line == "at work") >= restart, Limit), "the client does not come back");
            await (restart % 2 == 0 ? lone.Daemon.KillAsync() : lone.Daemon.StopAsync());
            await lone.Daemon.StartAsync();
            Assert.Equal(guests, (await virsh.AskAsync("list", "--name")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        }

        Assert.True(await verbs.WaitAsync(lines => lines.Count(line => line == "at work") > restarts, Limit), "the client does not come back");
        verbs.CloseInput();
        Assert.True(await verbs.WaitAsync(lines => lines.Any(line => line.StartsWith("verbs ", StringComparison.Ordinal)), Limit), "the client does not end");
        var figures = verbs.Lines.Last(line => line.StartsWith("verbs ", StringComparison.Ordinal));
        output.WriteLine($"{guests} guests, {restarts} restarts: {figures}");
        Assert.EndsWith("lost 0", figures, StringComparison.Ordinal);
        Assert.Equal(before, await IdentitiesAsync(virsh, lone, names));
        foreach (var name in names)
        {
            // What the daemon believes of the guest is what its QEMU says.
            var believed = await virsh.AskAsync("domstate", name);
            var status = await virsh.AskAsync("qemu-monitor-command", name, """{"execute":"query-status"}""");
            Assert.Contains($"\"status\":\"{believed}\"", status, StringComparison.Ordinal);
        }
    }

    /// <summary>Number, process and running XML of every guest; whether it is paused is no part of them.</summary>
    private static async Task<IReadOnlyList<string>> IdentitiesAsync(Virsh virsh, LoneHost lone, IEnumerable<string> names)
    {
        var found = new List<string>();
        foreach (var name in names)
            found.Add($"{QemuPid.AllOf(lone, name).Single()} {await virsh.AskAsync("dumpxml", name)}");
        return found;
    }

    private static async Task<LoneHost> StartAsync()
    {
        Assert.SkipWhen(TestHost.IsolationMissing is not null, TestHost.IsolationMissing ?? "");
        return await LoneHost.StartAsync((host, port) => new Wherryd(host, port));
    }

    /// <summary>SeaBIOS has mapped the power management ports.</summary>
    private static async Task UntilBootedAsync(Virsh virsh, string name)
    {
        using var timeout = new CancellationTokenSource(Limit);
        while (!PowerManagement().IsMatch(await virsh.AskAsync("qemu-monitor-command", name, "--hmp", "info mtree -f")))
            Assert.False(timeout.IsCancellationRequested, $"{name} does not boot");
    }

    /// <summary>The guest powers off, and is reset for it. What its firmware had set up is there until then, and says nothing.</summary>
    private static async Task PowerOffAsync(Virsh virsh, string name)
    {
        const string Enabled = "0x0400"; // an event of PM1: a reset disables it
        await HmpAsync("o /2h 0x602 " + Enabled);
        Assert.Contains(Enabled, await HmpAsync("i /2h 0x602"), StringComparison.Ordinal);
        await HmpAsync(PowerOff);
        using var timeout = new CancellationTokenSource(Limit);
        while ((await HmpAsync("i /2h 0x602")).Contains(Enabled, StringComparison.Ordinal))
            Assert.False(timeout.IsCancellationRequested, $"{name} is not reset");

        Task<string> HmpAsync(string command) => virsh.AskAsync("qemu-monitor-command", name, "--hmp", command);
    }

    private static async Task UntilGoneAsync(Virsh virsh, string name)
    {
        using var timeout = new CancellationTokenSource(Limit);
        while ((await virsh.AskAsync("list", "--all", "--name")).Split('\n').Contains(name))
            Assert.False(timeout.IsCancellationRequested, $"{name} does not end");
    }

    /// <summary>Lets the guest do something while no daemon runs.</summary>
    private static async Task DelayedAsync(LoneHost lone, string name, string write)
    {
        var monitor = Directory.EnumerateFiles(Path.Combine(((Wherryd)lone.Daemon).RuntimeDirectory, "qemu"), $"*-{name}.monitor").Single();
        await lone.Daemon.KillAsync();
        var script = Path.Combine(Repository.Root, "tests/data/python/monitor.py");
        await Command.RunAsync(lone.Daemon.Host.Enter(["/usr/bin/python3", script, monitor, write])).Checked();
        await lone.Daemon.StartAsync();
    }

    [GeneratedRegex("0000000000000604-0000000000000605.*acpi-cnt")]
    private static partial Regex PowerManagement();
}
