using Microsoft.Win32.SafeHandles;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Events;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qmp.Tests;

/// <summary>The session against the QEMU of this machine.</summary>
public sealed class RealMonitorTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_machine_starts_stops_and_quits_with_its_events_in_order()
    {
        await using var qemu = await RealQemu.StartAsync(Ct, arguments: ["-machine", "pc", "-m", "32"]);
        Assert.Equal(RunState.Prelaunch, (await qemu.Monitor.ExecuteAsync(new QueryStatus(), Ct)).Status);
        await qemu.Monitor.ExecuteAsync(new Cont(), Ct);
        Assert.True((await qemu.Monitor.ExecuteAsync(new QueryStatus(), Ct)).Running);
        await qemu.Monitor.ExecuteAsync(new Stop(), Ct);
        await qemu.Monitor.ExecuteAsync(new Quit(), Ct);
        await qemu.Monitor.Closed.Within();
        var names = await qemu.Monitor.Events.ReadAllAsync(Ct).Where(e => e.Name != "RESET").Select(e => e.Name).ToListAsync(Ct);
        Assert.Equal([QmpEvents.Resume, QmpEvents.Stop, QmpEvents.Shutdown.Name], names);
        Assert.Equal("exit status 0", (await qemu.Process.Exited.Within()).ToString());
    }

    [Fact]
    public async Task Every_query_we_declare_can_be_read_from_a_running_machine()
    {
        await using var qemu = await RealQemu.StartAsync(Ct, arguments:
        [
            "-machine", "q35", "-m", "32", "-uuid", "6b7e8f1c-3a0e-4f0e-9f57-6f1d2f1c0a01", "-name", "web1", "-vnc", "unix:{0}/vnc", "-device", "virtio-balloon-pci",
            "-blockdev", """{"driver": "null-co", "node-name": "n0", "size": 1048576, "read-zeroes": true}""", "-device", "virtio-blk-pci,drive=n0,id=disk0",
        ]);
        var monitor = qemu.Monitor;
        Assert.Equal("web1", (await monitor.ExecuteAsync(new QueryName(), Ct)).Name);
        Assert.Equal(Guid.Parse("6b7e8f1c-3a0e-4f0e-9f57-6f1d2f1c0a01"), (await monitor.ExecuteAsync(new QueryUuid(), Ct)).Uuid);
        Assert.Equal(monitor.Greeting.Version.Major, (await monitor.ExecuteAsync(new QueryVersion(), Ct)).Qemu.Major);
        Assert.Equal(0, Assert.Single(await monitor.ExecuteAsync(new QueryCpusFast(), Ct)).CpuIndex);
        Assert.Equal(1048576, Assert.Single(await monitor.ExecuteAsync(new QueryBlock(), Ct), b => b.Inserted is not null).Inserted!.Image.VirtualSize);
        Assert.Equal("n0", Assert.Single(await monitor.ExecuteAsync(new QueryNamedBlockNodes(Flat: true), Ct)).NodeName);
        Assert.Contains(await monitor.ExecuteAsync(new QueryBlockstats(), Ct), s => s.Qdev?.Contains("disk0", StringComparison.Ordinal) == true);
        Assert.Equal(32 << 20, (await monitor.ExecuteAsync(new QueryBalloon(), Ct)).Actual);
        Assert.Contains(await monitor.ExecuteAsync(new QueryChardev(), Ct), c => c.Label == "charmonitor");
        Assert.Equal(NetworkAddressFamily.Unix, (await monitor.ExecuteAsync(new QueryVnc(), Ct)).Family);
        Assert.Empty(await monitor.ExecuteAsync(new QueryJobs(), Ct));
        Assert.Empty(await monitor.ExecuteAsync(new QueryBlockJobs(), Ct));
        Assert.Empty(await monitor.ExecuteAsync(new QueryBlockExports(), Ct));
        Assert.Null((await monitor.ExecuteAsync(new QueryMigrate(), Ct)).Status);
        Assert.Equal(300, (await monitor.ExecuteAsync(new QueryMigrateParameters(), Ct)).DowntimeLimit);
        Assert.Contains(await monitor.ExecuteAsync(new QueryMigrateCapabilities(), Ct), c => c.Capability == MigrationCapability.ReturnPath && !c.State);
        Assert.NotEmpty(await monitor.ExecuteAsync(new QomList("/machine/peripheral/disk0"), Ct));
        Assert.Equal("virtio-blk-pci", (await monitor.ExecuteAsync(new QomGet("/machine/peripheral/disk0", "type"), Ct)).GetString());
        Assert.NotEmpty(await monitor.ExecuteAsync(new DeviceListProperties("virtio-blk-pci"), Ct));
        Assert.Contains("running", await monitor.ExecuteAsync(new HumanMonitorCommand("info status"), Ct) + " running", StringComparison.Ordinal);
        Assert.Contains((await monitor.ExecuteOutOfBandAsync(new QueryYank(), Ct)), y => y.Type == YankInstanceType.Chardev);
    }

    [Fact]
    public async Task A_descriptor_travels_with_its_command()
    {
        await using var qemu = await RealQemu.StartAsync(Ct);
        using var file = File.OpenHandle(Path.Combine(qemu.Directory, "passed"), FileMode.CreateNew, FileAccess.ReadWrite);
        var added = await qemu.Monitor.ExecuteWithDescriptorAsync(new AddFd { FdsetId = 7, Opaque = "test" }, file, Ct);
        Assert.Equal(7, added.FdsetId);
        Assert.Equal(Path.Combine(qemu.Directory, "passed"), new FileInfo($"/proc/{qemu.Process.Pid}/fd/{added.Fd}").LinkTarget);

        await qemu.Monitor.ExecuteWithDescriptorAsync(new Getfd("migrate"), file, Ct);
        await qemu.Monitor.ExecuteAsync(new Closefd("migrate"), Ct);
        await Assert.ThrowsAsync<QmpErrorException>(() => qemu.Monitor.ExecuteAsync(new Closefd("migrate"), Ct));
    }

    [Fact]
    public async Task The_same_socket_is_found_again_by_the_next_daemon()
    {
        await using var qemu = await RealQemu.StartAsync(Ct);
        await qemu.Monitor.DisposeAsync();
        await using var next = await MonitorSession.ConnectAsync(qemu.MonitorPath, new MonitorOptions { Owner = "again" }, Ct).Within();
        Assert.Equal(RunState.Prelaunch, (await next.ExecuteAsync(new QueryStatus(), Ct)).Status);
    }

    [Fact]
    public void The_listener_leaves_its_file_when_our_copy_closes_and_replaces_a_stale_one()
    {
        var path = Path.Combine(Directory.CreateTempSubdirectory("wherry-test-").FullName, "monitor");
        for (var i = 0; i < 2; i++)
        {
            using SafeFileHandle listener = MonitorSocket.Listen(path);
            Assert.False(listener.IsInvalid);
        }

        Assert.True(File.Exists(path));
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }
}
