using Wherry.Qemu.HotPlug;
using Wherry.Qemu.Launch;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// Devices of a running guest that change in place: the medium of a drive, the link and bridge of an interface, the password of a display.
public sealed partial class QemuDriver
{
    /// <summary>libvirt's time for a guest to open the tray of its drive.</summary>
    private static readonly TimeSpan TrayLimit = TimeSpan.FromSeconds(5);

    private async Task UpdateLiveAsync(Domain domain, QemuInstance qemu, DeviceDocument device, bool force, CompletionContext context)
    {
        switch (device.Kind)
        {
            case "disk":
                await UpdateDiskAsync(domain, qemu, device, force, context);
                break;
            case "interface":
                await UpdateInterfaceAsync(domain, qemu, device, context);
                break;
            case "graphics":
                await UpdateGraphicsAsync(domain, qemu, device, context);
                break;
            case "memory":
                domain.Snapshot.Live!.Document.CheckMemoryUpdate(device, context);
                throw new WherryException(ErrorCode.ConfigUnsupported, "cannot modify memory of model 'dimm'");
            default:
                throw new WherryException(ErrorCode.ConfigUnsupported, $"live update of device '{device.Kind}' is not supported");
        }
    }

    private async Task UpdateDiskAsync(Domain domain, QemuInstance qemu, DeviceDocument device, bool force, CompletionContext context)
    {
        var live = domain.Snapshot.Live!;
        var old = live.Spec.Disks.FirstOrDefault(disk => disk.TargetDev == device.TargetDev)
            ?? throw new WherryException(ErrorCode.InternalError, $"disk '{device.TargetDev}' not found");
        var completed = live.Document.CompleteUpdate(device, context);
        var wanted = completed.AsDisk!;
        DeviceUpdate.CheckDisk(old, wanted);
        if (old.Source?.Path == wanted.Source?.Path)
            return;
        if (old.Device == DiskDevice.Disk)
            throw new WherryException(ErrorCode.ConfigUnsupported, "disk source can be changed only in removable drives");
        await ChangeMediumAsync(domain, qemu, completed, force);
    }

    /// <summary>
    /// Puts another medium, or none, into a drive. The new one is opened first: one that cannot be leaves the old one where it is.
    /// </summary>
    private async Task ChangeMediumAsync(Domain domain, QemuInstance qemu, DeviceDocument disk, bool force)
    {
        var live = domain.Snapshot.Live!;
        var old = live.Spec.Disks.First(one => one.TargetDev == disk.TargetDev);
        var alias = old.Alias!;
        var wanted = old with { Source = disk.AsDisk!.Source, Format = disk.AsDisk.Format };
        var backing = Inspect(domain, wanted);
        var nodes = NewNodes(qemu, wanted, backing);
        var opened = PlugCommands.Nodes(wanted, nodes).ToList();
        await QemuCommand.RunAllAsync(qemu.Monitor, opened);
        try
        {
            var drive = DeviceUpdate.QomName(old);
            await OpenTrayAsync(domain, qemu, alias, drive, force);
            await PlugCommands.Named("blockdev-remove-medium", "id", drive).RunAsync(qemu.Monitor);
            if (BlockNodes.TopNode(wanted, nodes) is { } top)
                await new QemuCommand("blockdev-insert-medium", new Properties().Text("id", drive).Text("node-name", top).ToString()).RunAsync(qemu.Monitor);
            await PlugCommands.Named("blockdev-close-tray", "id", drive).RunAsync(qemu.Monitor);
        }
        catch (WherryException)
        {
            foreach (var undo in opened.Select(node => node.Undo!).Reverse())
                await undo.TryAsync(qemu.Monitor);
            throw;
        }

        foreach (var command in PlugCommands.Throttle(wanted))
            await command.TryAsync(qemu.Monitor);
        foreach (var command in PlugCommands.Remains(live.Spec, alias, live.Document.BlockNodeNumbers(alias)))
            await command.TryAsync(qemu.Monitor);
        // No medium has a number as well.
        var runtime = WithNodes(new LiveOverlay { Id = domain.Snapshot.Id }, alias, nodes);
        runtime = runtime with { DiskIndexes = runtime.DiskIndexes.SetItem(alias, nodes.Index ?? qemu.LastBlockNode) };
        ChangeLive(domain, document => document.WithMedium(disk, runtime));
    }

    private async Task OpenTrayAsync(Domain domain, QemuInstance qemu, string alias, string drive, bool force)
    {
        var drives = await qemu.Monitor.ExecuteAsync(new QueryBlock(), CancellationToken.None);
        if (drives.FirstOrDefault(one => one.Qdev == drive || one.Qdev == alias) is not { TrayOpen: false })
            return;
        await new QemuCommand("blockdev-open-tray", new Properties().Text("id", drive).Flag("force", force).ToString()).RunAsync(qemu.Monitor);
        if (force)
            return;
        try
        {
            await domain.State.WaitAsync(now => now.Live?.Spec.Disks.FirstOrDefault(disk => disk.Alias == alias)?.TrayOpen != false, qemu.GetEndingToken())
                .WaitAsync(TrayLimit, _time);
        }
        catch (TimeoutException)
        {
            throw new WherryException(ErrorCode.OperationFailed, $"timed out waiting to open tray of '{domain.Snapshot.Live?.Spec.Disks.FirstOrDefault(disk => disk.Alias == alias)?.TargetDev}'");
        }
    }

    private static async Task UpdateInterfaceAsync(Domain domain, QemuInstance qemu, DeviceDocument device, CompletionContext context)
    {
        var live = domain.Snapshot.Live!;
        var alias = live.Document.FindInterface(device);
        var old = live.Spec.Interfaces.First(nic => nic.Alias == alias);
        var completed = live.Document.CompleteUpdate(device, context);
        var wanted = completed.AsInterface!;
        DeviceUpdate.CheckInterface(old, wanted);
        if (old.Type == InterfaceType.Bridge && old.SourceBridge != wanted.SourceBridge)
        {
            ChangeBridge(old.TargetDev!, old.SourceBridge!, wanted.SourceBridge!);
            ChangeLive(domain, document => document.WithInterface(alias, change => change.SetBridge(wanted.SourceBridge!)));
        }

        if (live.Document.LinkOf(alias) != completed.Link)
        {
            await PlugCommands.Link(old, wanted.LinkUp).RunAsync(qemu.Monitor);
            ChangeLive(domain, document => document.WithInterface(alias, change => change.SetLink(completed.Link)));
        }
    }

    /// <summary>Of a display only its password can change.</summary>
    private static async Task UpdateGraphicsAsync(Domain domain, QemuInstance qemu, DeviceDocument device, CompletionContext context)
    {
        var live = domain.Snapshot.Live!;
        var completed = live.Document.CompleteUpdate(device, context);
        var wanted = completed.AsGraphics!;
        var old = live.Spec.Graphics.FirstOrDefault()
            ?? throw new WherryException(ErrorCode.DeviceMissing, "cannot find existing graphics device to modify of type 'vnc'");
        DeviceUpdate.CheckGraphics(old, wanted);
        // A password that has or had a term is set again, with its new term.
        if (old.PasswordValidTo is null && wanted.PasswordValidTo is null && old.Connected == wanted.Connected && old.Password == wanted.Password)
            return;
        if (wanted.Password is not null)
        {
            foreach (var command in StartupCommands.Password(wanted))
                await new QemuCommand(command.Execute, command.Arguments).RunAsync(qemu.Monitor);
        }

        ChangeLive(domain, document => document.WithPassword(completed));
    }

    private static void ChangeBridge(string tap, string from, string to)
    {
        if (!NetDevice.Exists(to))
            throw new WherryException(ErrorCode.OperationFailed, $"bridge {to} doesn't exist");
        try
        {
            NetDevice.RemoveFromBridge(from, tap);
        }
        catch (WherryException)
        {
            // The old bridge may be gone, and its ports with it.
        }

        try
        {
            NetDevice.AddToBridge(to, tap);
        }
        catch (WherryException) when (NetDevice.Exists(from))
        {
            NetDevice.AddToBridge(from, tap);
            throw;
        }
    }
}
