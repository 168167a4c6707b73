using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json;
using Wherry.Qemu.HotPlug;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// Plugging devices into a running guest. The caller holds the domain's job.
public sealed partial class QemuDriver
{
    private async Task PlugAsync(Domain domain, QemuInstance qemu, DeviceDocument device, CompletionContext context)
    {
        var document = domain.Snapshot.Live!.Document;
        var completed = document.CompleteDevice(device, context);
        if (completed.HasMedium && domain.Snapshot.Live.Spec.Disks.Any(disk => disk.TargetDev == completed.TargetDev))
        {
            await ChangeMediumAsync(domain, qemu, completed, force: false);
            return;
        }

        var disk = completed.AsDisk;
        if (disk?.Device == DiskDevice.Floppy)
            throw new WherryException(ErrorCode.OperationUnsupported, "floppy device hotplug isn't supported");
        var backing = disk is null ? [] : Inspect(domain, disk);
        var plan = document.PlanPlug(completed, context);
        foreach (var planned in plan)
            await PlugOneAsync(domain, qemu, planned, planned.AsDisk is null ? [] : backing);
        // libvirt announces a module by the name of the memory behind it.
        var module = domain.Snapshot.Live!.Spec.MemoryModules.FirstOrDefault(one => one.Alias == plan[^1].Alias);
        domain.Announce(new DomainEvent.DeviceAdded(module?.BackendId ?? plan[^1].Alias!));
        if (module is not null)
            await RefreshMemoryAsync(domain, qemu);
    }

    /// <summary>The images below a disk's top image.</summary>
    private static ImmutableArray<ChainImage> Inspect(Domain domain, DiskSpec disk) => DiskImages
        .Inspect(domain.Snapshot.Live!.Spec with { Disks = [disk with { Source = disk.Source is { } source ? source with { StartupPolicy = null } : null }] }, coldBoot: false)
        .Backing.GetValueOrDefault(disk.TargetDev, []);

    private async Task PlugOneAsync(Domain domain, QemuInstance qemu, DeviceDocument planned, ImmutableArray<ChainImage> backing)
    {
        var alias = planned.Alias!;
        var (id, live) = (domain.Snapshot.Id, domain.Snapshot.Live!);
        var spec = DomainSpec.From(live.Document.WithPlugged(planned, new LiveOverlay { Id = id }));
        var features = (await _emulators.GetAsync(spec.Emulator!, CancellationToken.None)).FeaturesFor(spec.Os.Machine);
        var nodes = planned.AsDisk is null || PlugCommands.Find(spec, alias) is not DiskSpec disk ? null : NewNodes(qemu, disk, backing);
        await using var host = await HostInterfaces.CreateAsync(
            spec with { Interfaces = [.. spec.Interfaces.Where(nic => nic.Alias == alias)] }, _tools, CancellationToken.None);
        var context = new PlugContext
        {
            ChannelDirectory = _files.ChannelDirectoryOf(id, domain.Name),
            Features = features,
            Disk = nodes,
            Queues = [.. host.Queues.Cast<SafeHandle>()],
            Vhost = [.. host.Vhost.Cast<SafeHandle>()],
        };
        var answers = await QemuCommand.RunAllAsync(qemu.Monitor, PlugCommands.Of(spec, alias, context));
        host.Keep();

        var runtime = WithNodes(new LiveOverlay { Id = id, TapNames = host.Names }, alias, nodes);
        if (PlugCommands.Find(spec, alias) is CharacterDeviceSpec character)
            runtime = WithCharacter(runtime, character, context, answers[0]);
        if (PlugCommands.Find(spec, alias) is MemoryModuleSpec)
            runtime = runtime with { ModuleBases = await DomainLauncher.ModuleBasesAsync(qemu.Monitor, CancellationToken.None) };
        ChangeLive(domain, document => document.WithPlugged(planned, runtime));
    }

    /// <summary>Numbers as libvirt gives them: it counts backing images when it finds them, and once more with the disk.</summary>
    private static DiskNodes NewNodes(QemuInstance qemu, DiskSpec disk, ImmutableArray<ChainImage> backing) =>
        DiskNodes.Plugged(disk, backing, qemu.TakeBlockNodes((2 * backing.Length) + 1) + backing.Length);

    private static LiveOverlay WithNodes(LiveOverlay runtime, string alias, DiskNodes? nodes) => nodes is not { Index: { } index }
        ? runtime
        : runtime with
        {
            DiskIndexes = runtime.DiskIndexes.Add(alias, index),
            BackingChains = nodes.Images.Length == 1 ? runtime.BackingChains : runtime.BackingChains.Add(alias, nodes.BackingImages),
        };

    private static LiveOverlay WithCharacter(LiveOverlay runtime, CharacterDeviceSpec device, PlugContext context, JsonElement answer)
    {
        if (answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("pty", out var pty))
            runtime = runtime with { PtyPaths = runtime.PtyPaths.Add(device.Alias!, pty.GetString()!) };
        return device.Source is CharacterSource.Unix { Path: null }
            ? runtime with { ChannelPaths = runtime.ChannelPaths.Add(device.Alias!, CharacterDevices.SocketPath(device, context.ChannelDirectory)) }
            : runtime;
    }
}
