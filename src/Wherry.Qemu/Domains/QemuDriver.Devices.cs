using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// Devices that come, go or change while a domain exists: in its definition, in the running guest, or in both. The definition is worked out
// first and stored last, so that a guest that cannot have the device leaves it as it was.
public sealed partial class QemuDriver
{
    /// <summary>virsh attach-device.</summary>
    /// <param name="xml">The device.</param>
    /// <param name="scope">Which of the domain's documents it goes into.</param>
    /// <exception cref="WherryException">libvirt's code and words for what cannot be; then nothing has changed.</exception>
    public Task AttachDeviceAsync(Domain domain, string xml, Affect scope, string owner, CancellationToken ct)
    {
        DeviceDocument? device = null;
        return ChangeDevicesAsync(
            domain,
            scope,
            (config, _, context) => config.WithDevice(config.CompleteDevice(Device(context), context), context),
            (qemu, _, context) => PlugAsync(domain, qemu, Device(context), context),
            owner,
            ct);

        // Read once: an interface gets the same MAC address in both documents.
        DeviceDocument Device(CompletionContext context) => device ??= DeviceDocument.Parse(xml).WithMac(context);
    }

    /// <summary>virsh detach-device. Returns when the guest has let go of the device, or after libvirt's five seconds, and it goes when the guest
    /// lets go.</summary>
    public Task DetachDeviceAsync(Domain domain, string xml, Affect scope, string owner, CancellationToken ct) => ChangeDevicesAsync(
        domain,
        scope,
        (config, asRunning, context) => config.WithoutDevice(DeviceDocument.Parse(xml), asRunning, context),
        (qemu, document, context) => UnplugAsync(domain, qemu, document.FindUnpluggable(DeviceDocument.Parse(xml), context), waits: true),
        owner,
        ct);

    /// <summary>virsh detach-device-alias. Waits for no guest.</summary>
    public Task DetachDeviceAliasAsync(Domain domain, string alias, Affect scope, string owner, CancellationToken ct) => ChangeDevicesAsync(
        domain,
        scope,
        (config, _, context) => config.WithoutDevice(alias, context),
        (qemu, document, context) => UnplugAsync(domain, qemu, document.FindUnpluggable(alias, context), waits: false),
        owner,
        ct);

    /// <summary>virsh update-device and change-media.</summary>
    /// <param name="force">Takes a medium out of a drive that the guest has locked.</param>
    public Task UpdateDeviceAsync(Domain domain, string xml, Affect scope, bool force, string owner, CancellationToken ct) => ChangeDevicesAsync(
        domain,
        scope,
        (config, _, context) => config.WithUpdatedDevice(DeviceDocument.Parse(xml), context),
        (qemu, document, context) => UpdateLiveAsync(domain, qemu, DeviceDocument.Parse(xml), force, context),
        owner,
        ct);

    private Task ChangeDevicesAsync(
        Domain domain,
        Affect scope,
        Func<DomainDocument, bool /* the running domain as well */, CompletionContext, DomainDocument> inDefinition,
        Func<QemuInstance, DomainDocument, CompletionContext, Task> inGuest,
        string owner,
        CancellationToken ct) => ModifyAsync(
            domain,
            scope,
            owner,
            async affected =>
            {
                var context = await ForCompletionAsync(domain.Snapshot.Definition.Document.Emulator, newDomain: true, ct);
                var changed = affected.Config is { } config ? inDefinition(config.Document, affected.Live is not null, context) : null;
                if (affected is { Qemu: { } qemu, Live: { } live })
                    await inGuest(qemu, live.Document, context);
                // The running document follows the devices themselves, as they come and go.
                return new DocumentChanges(Live: null, changed is null ? null : _ => changed);
            },
            ct);

    private static void ChangeLive(Domain domain, Func<DomainDocument, DomainDocument> change) =>
        domain.Change(now => now.Live is { } live ? now with { Live = new DomainDefinition(change(live.Document)) } : now);
}
