using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Qmp.Capabilities;
using Wherry.Testing;

namespace Wherry.Qmp.Tests;

public sealed class QemuCapabilitiesTests
{
    [Fact]
    public async Task A_probe_tells_machines_models_devices_and_schema_paths()
    {
        await using var qemu = await RealQemu.StartAsync(TestContext.Current.CancellationToken);
        var capabilities = await QemuCapabilities.ProbeAsync(qemu.Monitor, TestContext.Current.CancellationToken);

        Assert.Equal("x86_64", capabilities.Arch);
        Assert.StartsWith("pc-i440fx-", capabilities.DefaultMachine?.Name, StringComparison.Ordinal);
        Assert.StartsWith("pc-q35-", capabilities.FindMachine("q35")?.Name, StringComparison.Ordinal);
        Assert.Equal("pc.ram", capabilities.FindMachine("q35")?.DefaultRamId);
        Assert.Contains(capabilities.Tcg.Models, m => m.Name == "qemu64");
        Assert.True(capabilities.Tcg.Host.Props?["sse2"].GetBoolean());
        Assert.True(capabilities.HasDevice("virtio-blk-pci"));
        Assert.False(capabilities.HasDevice("pci-device")); // abstract
        Assert.True(capabilities.HasCommandLineOption("sandbox/enable"));
        Assert.True(capabilities.Has("blockdev-mirror/arg/copy-mode=write-blocking"));
        Assert.True(capabilities.Has("migrate-set-capabilities/arg/capabilities/capability=return-path"));
        Assert.True(capabilities.Has("query-migrate/ret/ram/postcopy-bytes"));
        Assert.True(capabilities.Has("yank/oob"));
        Assert.True(capabilities.Has("JOB_STATUS_CHANGE/arg/status=concluded"));
        Assert.False(capabilities.Has("stop/oob"));
    }

    [Fact]
    public async Task A_cached_probe_is_found_again_until_the_binary_or_KVM_changes()
    {
        await using var qemu = await RealQemu.StartAsync(TestContext.Current.CancellationToken);
        var capabilities = await QemuCapabilities.ProbeAsync(qemu.Monitor, TestContext.Current.CancellationToken);
        var binary = Path.Combine(qemu.Directory, "binary");
        await File.WriteAllTextAsync(binary, "one", TestContext.Current.CancellationToken);

        new CapabilitiesCache(Path.Combine(qemu.Directory, "cache"), NullLogger.Instance).Store(binary, "kvm", capabilities);
        var cache = new CapabilitiesCache(Path.Combine(qemu.Directory, "cache"), NullLogger.Instance);
        var found = cache.Find(binary, "kvm");
        Assert.NotNull(found);
        Assert.Equal(capabilities.Version, found.Version);
        Assert.Equal(capabilities.Schema, found.Schema);
        Assert.Equal(capabilities.Machines, found.Machines);
        Assert.True(found.Tcg.Host.Props?["sse2"].GetBoolean());

        Assert.Null(cache.Find(binary, "kvm of another kernel"));
        Assert.Null(cache.Find(binary, null));
        await File.WriteAllTextAsync(binary, "another", TestContext.Current.CancellationToken);
        Assert.Null(cache.Find(binary, "kvm"));
    }

    [Fact]
    public async Task A_damaged_cache_entry_counts_as_none()
    {
        await using var qemu = await RealQemu.StartAsync(TestContext.Current.CancellationToken);
        var cache = new CapabilitiesCache(qemu.Directory + "/cache", NullLogger.Instance);
        cache.Store(RealQemu.Binary, null, await QemuCapabilities.ProbeAsync(qemu.Monitor, TestContext.Current.CancellationToken));
        var file = Directory.GetFiles(qemu.Directory + "/cache").Single();
        await File.WriteAllBytesAsync(file, (await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken))[..^100], TestContext.Current.CancellationToken);
        Assert.Null(cache.Find(RealQemu.Binary, null));
    }
}
