using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Process;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using Wherry.Testbed;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>Real QEMUs take our command lines: they start, stand still, answer, and end when told.</summary>
public sealed class RealStartTests
{
    public static IEnumerable<TheoryDataRow<string, string>> Cases =>
        from emulator in RealQemu.AlternativeBinary is { } alternative ? new[] { RealQemu.Binary, alternative } : [RealQemu.Binary]
        from name in RecordedDomains.Names
        select new TheoryDataRow<string, string>(name, emulator);

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task The_recorded_domain_starts_with_its_cpus_stopped(string name, string emulator)
    {
        await using var guest = await StartAsync(name, emulator, incoming: false);
        var status = await guest.Monitor.ExecuteAsync(new QueryStatus(), TestContext.Current.CancellationToken);
        Assert.Equal(RunState.Prelaunch, status.Status);
        await StartupCommands.RunAsync(guest.Plan.StartupCommands, name, guest.Monitor, TestContext.Current.CancellationToken);
        await guest.Monitor.ExecuteAsync(new Quit(), TestContext.Current.CancellationToken);
        Assert.Equal(0, (await guest.Process.Exited.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)).Code);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task As_a_migration_destination_it_waits_to_be_told_where_to_listen(string name, string emulator)
    {
        await using var guest = await StartAsync(name, emulator, incoming: true);
        var status = await guest.Monitor.ExecuteAsync(new QueryStatus(), TestContext.Current.CancellationToken);
        Assert.Equal(RunState.Inmigrate, status.Status);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Every_json_option_fits_the_schema(string name, string emulator)
    {
        Assert.SkipUnless(File.Exists(emulator), $"{emulator} is not installed");
        await using var qemu = await RealQemu.StartAsync(TestContext.Current.CancellationToken, emulator);
        using var reply = JsonDocument.Parse(
            await qemu.Monitor.ExecuteRawAsync("""{"execute":"query-qmp-schema"}""", TestContext.Current.CancellationToken));
        var schema = new QapiSchema(reply.RootElement.GetProperty("return"));
        var arguments = CommandLine.Build(RecordedDomains.Spec(name), LaunchContexts.Fixed.WithTaps(RecordedDomains.Spec(name))).Arguments;
        foreach (var (option, value) in arguments.Zip(arguments.Skip(1)))
        {
            var command = option switch { "-blockdev" => "blockdev-add", "-netdev" => "netdev_add", "-object" => "object-add", _ => null };
            if (command is null)
                continue;
            using var json = JsonDocument.Parse(value);
            Assert.Empty(schema.Check(command, json.RootElement));
        }
    }

    [Fact]
    public void Qemu_takes_the_taps_that_it_inherits()
    {
        Assert.SkipWhen(NetworkNamespace.Missing is not null, NetworkNamespace.Missing ?? "");
        var ct = TestContext.Current.CancellationToken;
        NetworkNamespace.Run(() =>
        {
            NetworkNamespace.Ip("link add br0 type bridge");
            using var processes = new ProcessSupervisor(NullLogger.Instance);
            // Blocking on purpose: the namespace is this thread's, and lasts as long as it.
            var interfaces = HostInterfaces.CreateAsync(RecordedDomains.Spec("nics"), new ToolRunner(processes, TimeProvider.System), ct).GetAwaiter().GetResult();
            Task.Run(() => QueryWithTapsAsync(interfaces, ct), ct).GetAwaiter().GetResult();
        });
    }

    private static async Task QueryWithTapsAsync(HostInterfaces interfaces, CancellationToken ct)
    {
        await using var ours = interfaces;
        await using var guest = await StartAsync("nics", RealQemu.Binary, incoming: false, interfaces);
        await interfaces.DisposeAsync(); // QEMU's copies keep the devices alive.
        Assert.Contains("vnet0", interfaces.Names.Values);
        var network = await guest.Monitor.ExecuteRawAsync(
            """{"execute":"human-monitor-command","arguments":{"command-line":"info network"}}""", ct);
        Assert.Equal(5, network.Split("type=tap").Length - 1); // four queues and one more interface
    }

    private static async Task<LaunchedGuest> StartAsync(string name, string emulator, bool incoming, HostInterfaces? interfaces = null)
    {
        Assert.SkipUnless(File.Exists(emulator), $"{emulator} is not installed");
        Assert.SkipWhen(Executables.Find("qemu-img") is null, "qemu-img is not installed");
        try
        {
            return await LaunchedGuest.StartAsync(name, emulator, incoming, TestContext.Current.CancellationToken, interfaces);
        }
        catch (InvalidOperationException e) when (e.Message.Contains("is not a valid device model name", StringComparison.Ordinal))
        {
            // Distributions put some devices into packages of their own.
            Assert.Skip(e.Message);
            throw;
        }
    }
}
