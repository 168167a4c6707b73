using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.HotPlug;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

//   detach ──device_del──▶ QEMU asks the guest ──▶ the guest lets go ──▶ DEVICE_DELETED
//     │ waits 5 s                                                            │
//     ├── it came: the caller takes away the host end ◀─────────────────────┤
//     └── it did not: the call succeeds, the device stays in the XML         └── later, also under another daemon: a job of its own does
//
// A guest without a driver for its bus (firmware, for example) never lets go.
public sealed partial class QemuDriver
{
    private const string DeviceNotFound = "DeviceNotFound";

    private async Task UnplugAsync(Domain domain, QemuInstance qemu, string alias, bool waits)
    {
        using var removal = waits ? qemu.ExpectRemoval(alias) : null;
        try
        {
            await PlugCommands.Named("device_del", "id", alias).RunAsync(qemu.Monitor);
        }
        catch (QmpErrorException e) when (e.ErrorClass == DeviceNotFound)
        {
            // It went without our seeing it.
            await TakeAwayAsync(domain, qemu, alias);
            return;
        }
        catch (QmpErrorException) when (removal?.Outcome.IsCompleted == true)
        {
            // An earlier request has come to its end just now.
        }

        if (removal is null || await removal.WaitAsync(UnplugLimit, _time, qemu.GetEndingToken()) is not { } outcome)
            return;
        if (outcome == RemovalOutcome.Refused)
            throw new WherryException(ErrorCode.OperationFailed, "unplug of device was rejected by the guest");
        await TakeAwayAsync(domain, qemu, alias);
    }

    /// <summary>The guest has let go: removes the host end, then the device from the running domain. Nothing, when it is not there.</summary>
    private async Task TakeAwayAsync(Domain domain, QemuInstance qemu, string alias)
    {
        if (domain.Snapshot.Live is not { } live || PlugCommands.Find(live.Spec, alias) is not { } device)
            return;
        foreach (var command in PlugCommands.Remains(live.Spec, alias, live.Document.BlockNodeNumbers(alias)))
            await command.TryAsync(qemu.Monitor);
        if (device is InterfaceSpec nic)
            await RemovePortsAsync(domain.Name, [nic]);
        ChangeLive(domain, document => document.WithoutPlugged(alias));
        domain.Announce(new DomainEvent.DeviceRemoved(alias));
        if (device is MemoryModuleSpec)
            await RefreshMemoryAsync(domain, qemu);
    }

    /// <summary>QEMU says that a device has gone, or that the guest keeps it. Returns what has to be done besides.</summary>
    private Task TakeRemoval(Domain domain, QemuInstance qemu, QmpEvent happened)
    {
        var refused = happened.Name != "DEVICE_DELETED";
        if (QemuEventMeaning.RemovedDevice(happened) is not { } alias)
            return Task.CompletedTask; // A part of a device, by its path, or no word of removal.
        var waitedFor = qemu.TrySignalRemoval(alias, refused ? RemovalOutcome.Refused : RemovalOutcome.Removed);
        if (waitedFor || refused)
            return Task.CompletedTask;
        // One after the other: they are told in the order in which the guest let go.
        var before = qemu.Removals;
        return qemu.Removals = Run(domain, $"removal of '{alias}'", async () =>
        {
            await before;
            await AfterRemovalAsync(domain, qemu, alias);
        });
    }

    private async Task AfterRemovalAsync(Domain domain, QemuInstance qemu, string alias)
    {
        if (domain.Snapshot.Live is not { } live || PlugCommands.Find(live.Spec, alias) is null)
            return;
        using var lease = await BeginAsync(domain, JobKind.Modify, "device removal", CancellationToken.None);
        if (domain.Qemu == qemu)
            await TakeAwayAsync(domain, qemu, alias);
    }

    /// <summary>After a restart: which devices have gone while no daemon listened.</summary>
    private static async Task<IReadOnlyList<string>> GoneDevicesAsync(DomainSpec spec, MonitorSession monitor)
    {
        var removable = spec.Disks.Where(disk => disk.Bus is DiskBus.Virtio or DiskBus.Scsi or DiskBus.Usb).Select(disk => disk.Alias)
            .Concat(spec.Interfaces.Select(nic => nic.Alias))
            .Concat(spec.Controllers.Where(controller => controller.Type == ControllerType.Scsi).Select(controller => controller.Alias))
            .Concat(spec.Rngs.Select(rng => rng.Alias))
            .Concat(spec.Channels.Select(channel => channel.Alias))
            .Concat(spec.Inputs.Where(input => input.Bus != "ps2").Select(input => input.Alias))
            .Concat(spec.MemoryModules.Select(module => module.Alias))
            .Append(spec.Watchdog?.Alias).OfType<string>().ToList();
        if (removable.Count == 0)
            return [];
        try
        {
            var there = (await monitor.ExecuteAsync(new QomList("/machine/peripheral"), CancellationToken.None)).Select(device => device.Name).ToHashSet(StringComparer.Ordinal);
            return [.. removable.Where(alias => !there.Contains(alias))];
        }
        catch (QmpErrorException)
        {
            return []; // Not told is not gone.
        }
    }
}
