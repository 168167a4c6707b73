using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Errors;
using Wherry.Qemu.Process;
using Wherry.Qemu.Storage;

namespace Wherry.Qemu.Tests.Storage;

/// <summary>What the table against stock libvirtd (tests/data/acting/pools.sh) does not see: what a later daemon finds.</summary>
public sealed class StorageDriverTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("storage-").FullName;
    private readonly ProcessSupervisor _processes = new(NullLogger.Instance);
    private readonly List<string> _heard = [];

    public void Dispose()
    {
        _processes.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_later_daemon_finds_pools_as_they_were_and_starts_those_that_are_to_start()
    {
        var first = await StartAsync();
        var running = await first.DefineAsync(Xml("running"), default);
        await first.StartAsync(running, build: true, default);
        await first.DefineAsync(Xml("idle"), default);
        var wanted = await first.DefineAsync(Xml("wanted"), default);
        await first.BuildAsync(wanted, default);
        await first.SetAutostartAsync(wanted, true, default);
        await first.CreateAsync(Xml("passing"), build: true, default);
        await File.WriteAllTextAsync(Path.Combine(_directory, "running", "image"), "raw");

        var later = await StartAsync();
        Assert.Equal(
            ["idle: False True False", "passing: True False False", "running: True True False", "wanted: True True True"],
            later.Pools.OrderBy(pool => pool.Name, StringComparer.Ordinal)
                .Select(pool => $"{pool.Name}: {pool.Now.IsActive} {pool.Now.IsPersistent} {pool.Now.Autostart}"));
        Assert.Equal(running.Uuid, later.Find("running")!.Uuid);
        Assert.Equal(["image"], later.Find("running")!.Now.Volumes.Keys);
    }

    [Fact]
    public async Task A_pool_whose_directory_has_gone_keeps_no_daemon_from_starting()
    {
        var first = await StartAsync();
        await first.StartAsync(await first.DefineAsync(Xml("lost"), default), build: true, default);
        await first.CreateAsync(Xml("passing"), build: true, default);
        Directory.Delete(Path.Combine(_directory, "lost"));
        Directory.Delete(Path.Combine(_directory, "passing"));
        await File.WriteAllTextAsync(Path.Combine(_directory, "config/storage/torn.xml"), "<pool type='di");

        var later = await StartAsync();
        Assert.Equal(["lost"], later.Pools.Select(pool => pool.Name));
        Assert.False(later.Find("lost")!.Now.IsActive);
        Assert.True(File.Exists(Path.Combine(_directory, "config/storage/torn.xml.corrupt-1")));
    }

    [Fact]
    public async Task A_pool_that_cannot_be_looked_into_any_more_is_stopped_and_told_of()
    {
        var driver = await StartAsync();
        var pool = await driver.CreateAsync(Xml("passing"), build: true, default);
        Directory.Delete(Path.Combine(_directory, "passing"));
        _heard.Clear();
        var refusal = await Assert.ThrowsAsync<WherryException>(() => driver.RefreshAsync(pool, default));
        Assert.Equal(ErrorCode.SystemError, refusal.Code);
        Assert.Equal(["passing Stopped"], _heard);
        Assert.Empty(driver.Pools);
    }

    [Fact]
    public async Task A_volume_takes_no_name_that_leads_elsewhere_and_no_file_that_is_there()
    {
        var driver = await StartAsync();
        var pool = await driver.CreateAsync(Xml("p"), build: true, default);
        await File.WriteAllTextAsync(Path.Combine(_directory, "p", "mine"), "precious");
        foreach (var name in (string[])["..", ".", "../x", "mine", "a\nb"])
        {
            var xml = $"<volume><name>{name}</name><capacity>512</capacity></volume>";
            await Assert.ThrowsAsync<WherryException>(() => driver.CreateVolumeAsync(pool, xml, allocateMetadata: false, default));
        }
        Assert.Equal("precious", await File.ReadAllTextAsync(Path.Combine(_directory, "p", "mine")));
        Assert.Equal(["mine"], Directory.EnumerateFiles(Path.Combine(_directory, "p")).Select(Path.GetFileName));
    }

    private string Xml(string name) => $"<pool type='dir'><name>{name}</name><target><path>{_directory}/{name}</path></target></pool>";

    private async Task<StorageDriver> StartAsync()
    {
        var files = new StorageFiles(Path.Combine(_directory, "config"), Path.Combine(_directory, "run"));
        var driver = new StorageDriver(
            files, new ToolRunner(_processes, TimeProvider.System), (pool, change) => _heard.Add($"{pool.Name} {change}"), NullLogger.Instance);
        await driver.LoadAsync(default);
        return driver;
    }
}
