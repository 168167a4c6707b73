using System.Diagnostics;
using System.Text.RegularExpressions;
using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests;

/// <summary>The distribution's virt-admin, on ours and on stock libvirtd: what it prints and what it is refused must be the same.</summary>
public sealed partial class AdminTests
{
    private static readonly string[] Files = ["1:file:{0}/a.log 3:stderr", "2:file:{0}/a.log 3:syslog:wherry 4:journald"];

    [Fact]
    [Trait("req", "S2.29")]
    public async Task Virt_admin_shows_and_changes_the_same_as_with_stock()
    {
        await using var pair = await AdminHost.StartAsync();
        await pair.CompareAsync("srv-list");
        await pair.CompareAsync("version");
        await pair.CompareAsync("srv-clients-info", "libvirtd");
        await pair.CompareAsync("srv-clients-info", "admin");
        await pair.CompareAsync("srv-clients-info", "nobody");
        await pair.CompareAsync("srv-clients-set", "libvirtd", "--max-clients", "100", "--max-unauth-clients", "10");
        await pair.CompareAsync("srv-clients-info", "libvirtd");
        await pair.CompareAsync("srv-clients-set", "libvirtd", "--max-clients", "5");
        await pair.CompareAsync("srv-clients-set", "libvirtd", "--max-unauth-clients", "200");
        await pair.CompareAsync("srv-clients-info", "libvirtd");
        await pair.CompareAsync("srv-clients-list", "libvirtd");
        await pair.CompareAsync("srv-clients-list", "nobody");
        await pair.CompareAsync("client-info", "libvirtd", "999999");
        await pair.CompareAsync("client-disconnect", "libvirtd", "999999");
        await pair.CompareAsync("srv-update-tls", "libvirtd");
        await pair.CompareAsync("srv-update-tls", "nobody");

        await pair.CompareAsync("daemon-log-filters");
        foreach (var filters in new[] { "1:qemu 3:rpc", "4:*", "1:+util 2:a?b", "9:qemu", "0:qemu", "x:qemu", "qemu", "1:", "1:+", "1:qemu:json", "" })
        {
            await pair.CompareAsync("daemon-log-filters", "--filters", filters);
            await pair.CompareAsync("daemon-log-filters");
        }

        var directory = pair.Run.CreateDirectory("logs");
        foreach (var outputs in Files.Select(text => string.Format(System.Globalization.CultureInfo.InvariantCulture, text, directory)).Concat(
            ["3:stderr", "3:stderr 2:stderr", "9:stderr", "1:nowhere", "1:file", "1:syslog", "1:stderr:x", "1", "stderr", $"1:file:{directory}/none/x"]))
        {
            await pair.CompareAsync("daemon-log-outputs", "--outputs", outputs);
            await pair.CompareAsync("daemon-log-outputs");
        }

        Assert.True(pair.Differences.Count == 0, string.Join('\n', pair.Differences));
    }

    [Fact]
    public async Task Virt_admin_sees_a_client_as_with_stock_and_can_close_its_connection()
    {
        await using var pair = await AdminHost.StartAsync();
        foreach (var daemon in pair.Daemons)
        {
            using var client = Process.Start(new ProcessStartInfo("virsh", ["-c", daemon.Uri, "-r", "event", "--loop", "--event", "lifecycle"])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            })!;
            var listed = await pair.UntilAsync(daemon, ["srv-clients-list", "libvirtd"], output => output.Contains("unix", StringComparison.Ordinal));
            var id = ClientRow().Match(listed).Groups[1].Value;
            var info = (await pair.RunAsync(daemon, "client-info", "libvirtd", id).Checked()).Output;
            info = info.Replace($"{client.Id}", "PID", StringComparison.Ordinal);
            Assert.Equal(
                "id: N\nconnection_time: TIME\ntransport: unix\nreadonly: yes\nunix_user_id: 0\nunix_user_name: root\nunix_group_id: 0\nunix_group_name: root\nunix_process_id: N",
                Numbers().Replace(Times().Replace(Spaces().Replace(info.Trim(), ": "), "TIME"), "$1: N"));
            await pair.RunAsync(daemon, "client-disconnect", "libvirtd", id).Checked();
            await client.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
            Assert.Equal("", (await pair.UntilAsync(daemon, ["-q", "srv-clients-list", "libvirtd"], output => !output.Contains("unix", StringComparison.Ordinal))).Trim());
        }
    }

    [Fact]
    [Trait("req", "S2.27")]
    [Trait("req", "S2.29")]
    public async Task Filters_and_outputs_set_by_virt_admin_decide_what_is_logged_and_where()
    {
        await using var run = RunDirectory.Create();
        await using var host = await TestHost.CreateAsync(run, "alpha", isolated: false);
        await using var daemon = new Wherryd(host, null);
        await daemon.StartAsync();
        var file = Path.Combine(host.Directory, "moved.log");
        await RunAsync("daemon-log-outputs", "--outputs", $"1:file:{file}");
        await daemon.Virsh.AskAsync("list");
        Assert.DoesNotContain(": debug :", await File.ReadAllTextAsync(file), StringComparison.Ordinal);
        await RunAsync("daemon-log-filters", "--filters", "1:rpc 4:qemu");
        await daemon.Virsh.AskAsync("list");
        var lines = await File.ReadAllLinesAsync(file);
        Assert.Contains(lines, line => line.Contains("RPC_KEEPALIVE_NEW: ka=", StringComparison.Ordinal));
        Assert.All(lines, line => Assert.Matches(Line(), line));

        Task<CommandResult> RunAsync(params string[] command) => Command.RunAsync(
            ["virt-admin", "-c", $"libvirtd:///system?socket={daemon.RuntimeDirectory}/libvirt-admin-sock", .. command]).Checked();
    }

    // 2023-01-05 05:07:36.721+0000: 114785: info : virKeepAliveTimerInternal:131 : ...
    [GeneratedRegex(@"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+0000: \d+: (debug|info|warning|error) : \w+:\d+ : \S")]
    private static partial Regex Line();

    [GeneratedRegex(@"^ (\d+) +unix", RegexOptions.Multiline)]
    private static partial Regex ClientRow();

    [GeneratedRegex(@"^ \d+ +(\w+)", RegexOptions.Multiline)]
    private static partial Regex ServerRow();

    [GeneratedRegex(@" +: ")]
    private static partial Regex Spaces();

    [GeneratedRegex(@"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+\d{4}")]
    private static partial Regex Times();

    [GeneratedRegex(@"^(id|unix_process_id): (?:-?\d+|PID)", RegexOptions.Multiline)]
    private static partial Regex Numbers();

    private sealed class AdminHost(RunDirectory run, TestHost host, Wherryd own, StockLibvirtd stock) : IAsyncDisposable
    {
        public RunDirectory Run { get; } = run;

        public List<string> Differences { get; } = [];

        public IEnumerable<DaemonRunner> Daemons => [own, stock];

        public static async Task<AdminHost> StartAsync()
        {
            Assert.SkipWhen(StockLibvirtd.Missing is not null, StockLibvirtd.Missing ?? "");
            var run = RunDirectory.Create();
            var host = await TestHost.CreateAsync(run, "alpha", isolated: true);
            var own = new Wherryd(host, null);
            var stock = new StockLibvirtd(host) { MoreConfiguration = "log_outputs = \"1:stderr\"" };
            await own.StartAsync();
            await stock.StartAsync();
            return new AdminHost(run, host, own, stock);
        }

        public Task<CommandResult> RunAsync(DaemonRunner daemon, params string[] command) =>
            Command.RunAsync(["virt-admin", "-c", $"libvirtd:///system?socket={Socket(daemon)}", .. command]);

        public async Task<string> UntilAsync(DaemonRunner daemon, string[] command, Func<string, bool> condition)
        {
            var started = Stopwatch.StartNew();
            while (true)
            {
                var result = await RunAsync(daemon, command);
                if (condition(result.Output)) return result.Output;
                Assert.True(started.Elapsed < TimeSpan.FromSeconds(30), result.ToString());
            }
        }

        public async Task CompareAsync(params string[] command)
        {
            var (ours, theirs) = (await RunAsync(own, command), await RunAsync(stock, command));
            if ((ours.ExitCode, Normal(ours)) != (theirs.ExitCode, Normal(theirs)))
                Differences.Add($"{string.Join(' ', command)}\n ours: {ours}\nstock: {theirs}");
        }

        public async ValueTask DisposeAsync()
        {
            await own.DisposeAsync();
            await stock.DisposeAsync();
            await host.DisposeAsync();
            await Run.DisposeAsync();
        }

        // libvirtd lists its servers in the order of a hash table with a new seed each time.
        private static string Normal(CommandResult result) => result.CommandLine.EndsWith("srv-list", StringComparison.Ordinal)
            ? string.Join('\n', ServerRow().Matches(result.Output).Select(row => row.Groups[1].Value).Order(StringComparer.Ordinal))
            : result.Output + result.Error;

        private string Socket(DaemonRunner daemon) =>
            Path.Combine(daemon == own ? own.RuntimeDirectory : host.Directory, "libvirt-admin-sock");
    }
}
