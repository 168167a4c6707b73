using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh set-lifecycle-action: what follows a power-off, a reboot or a crash from now on.
public sealed partial class QemuDriver
{
    /// <param name="live">For the running domain; without either flag, for it if there is one, else for the definition.</param>
    /// <exception cref="WherryException">ConfigUnsupported: no such action on this occasion, or not beside the other two.</exception>
    public async Task SetLifecycleActionAsync(
        Domain domain, LifecycleOccasion occasion, LifecycleAction action, bool live, bool config, string owner, CancellationToken ct)
    {
        LifecycleActions.CheckAllowed(occasion, action);
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        await domain.Defining.WaitAsync(ct);
        try
        {
            var (changesLive, changesConfig) = Affected(domain.Snapshot, live, config);
            var before = domain.Snapshot;
            if (changesLive)
                CheckTogether(before.Definition.Spec, occasion, action);
            if (changesConfig)
                CheckTogether(before.Config!.Spec, occasion, action); // ! : Affected has looked
            if (changesLive)
            {
                await TellQemuAsync(domain, occasion, action, ct);
                domain.Change(now => now.Live is null ? now : now with { Live = With(now.Live, occasion, action) });
            }
            if (changesConfig)
            {
                var changed = With(before.Config!, occasion, action);
                await WriteDefinitionAsync(changed, ct);
                domain.Change(now => now with { Config = changed });
            }
        }
        finally
        {
            domain.Defining.Release();
        }
        DomainLog.LifecycleActionSet(_logger, domain.Name, LifecycleActions.ElementOf(occasion), LifecycleActions.TextOf(action));
    }

    /// <summary>Reboots are QEMU's own to decide; the other two reach us as events.</summary>
    private static async Task TellQemuAsync(Domain domain, LifecycleOccasion occasion, LifecycleAction action, CancellationToken ct)
    {
        if (occasion != LifecycleOccasion.Reboot || domain.Snapshot.Definition.Spec.OnReboot == action)
            return;
        var onReset = action == LifecycleAction.Destroy ? "shutdown" : "reset";
        await ActiveQemu(domain).Monitor.ExecuteAsync(new SetAction(onReset), ct);
    }

    private static DomainDefinition With(DomainDefinition definition, LifecycleOccasion occasion, LifecycleAction action) =>
        new(definition.Document.WithLifecycleAction(occasion, action));

    private static void CheckTogether(DomainSpec spec, LifecycleOccasion occasion, LifecycleAction action) => LifecycleActions.CheckTogether(
        occasion == LifecycleOccasion.Poweroff ? action : spec.OnPoweroff,
        occasion == LifecycleOccasion.Reboot ? action : spec.OnReboot,
        occasion == LifecycleOccasion.Crash ? action : spec.OnCrash);

    /// <summary>Which of a domain's two definitions the live and config flags mean.</summary>
    /// <exception cref="WherryException">OperationInvalid: it does not have one that was asked for.</exception>
    private static (bool Live, bool Config) Affected(DomainSnapshot now, bool live, bool config)
    {
        if (live && !now.IsActive)
            throw NotRunning();
        if (config && !now.IsPersistent)
            throw new WherryException(ErrorCode.OperationInvalid, "transient domains do not have any persistent config", ErrorDomain.Domain);
        return live || config ? (live, config) : (now.IsActive, !now.IsActive);
    }
}
