using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh set-lifecycle-action: what follows a power-off, a reboot or a crash from now on.
public sealed partial class QemuDriver
{
    /// <exception cref="WherryException">ConfigUnsupported: no such action on this occasion, or not beside the other two.</exception>
    public async Task SetLifecycleActionAsync(
        Domain domain, LifecycleOccasion occasion, LifecycleAction action, Affect affect, string owner, CancellationToken ct)
    {
        LifecycleActions.CheckAllowed(occasion, action);
        await ModifyAsync(
            domain,
            affect,
            owner,
            async affected =>
            {
                foreach (var definition in new[] { affected.Live, affected.Config }.OfType<DomainDefinition>())
                    CheckTogether(definition.Spec, occasion, action);
                if (affected is { Qemu: { } qemu, Live: { } live })
                    await TellQemuAsync(qemu, live.Spec, occasion, action, ct);
                return DocumentChanges.Both(document => document.WithLifecycleAction(occasion, action));
            },
            ct);
        DomainLog.LifecycleActionSet(_logger, domain.Name, LifecycleActions.ElementOf(occasion), LifecycleActions.TextOf(action));
    }

    /// <summary>Reboots are QEMU's own to decide; the other two reach us as events.</summary>
    private static async Task TellQemuAsync(
        QemuInstance qemu, DomainSpec spec, LifecycleOccasion occasion, LifecycleAction action, CancellationToken ct)
    {
        if (occasion != LifecycleOccasion.Reboot || spec.OnReboot == action)
            return;
        var onReset = action == LifecycleAction.Destroy ? "shutdown" : "reset";
        await qemu.Monitor.ExecuteAsync(new SetAction(onReset), ct);
    }

    private static void CheckTogether(DomainSpec spec, LifecycleOccasion occasion, LifecycleAction action) => LifecycleActions.CheckTogether(
        occasion == LifecycleOccasion.Poweroff ? action : spec.OnPoweroff,
        occasion == LifecycleOccasion.Reboot ? action : spec.OnReboot,
        occasion == LifecycleOccasion.Crash ? action : spec.OnCrash);
}
