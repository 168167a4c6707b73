using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Domains;

// Shutdown, reboot and reset: requests to the guest, or to its power button.
public sealed partial class QemuDriver
{
    /// <summary>Presses the ACPI power button. Returns when it is pressed; the guest may take its time, or ignore it.</summary>
    public Task ShutdownAsync(Domain domain, string owner, CancellationToken ct) => PressPowerButtonAsync(domain, reboot: false, owner, ct);

    /// <summary>The same, and the power-off that follows is turned into a reset (QEMU has no "reboot" button).</summary>
    public Task RebootAsync(Domain domain, string owner, CancellationToken ct) => PressPowerButtonAsync(domain, reboot: true, owner, ct);

    /// <summary>The reset button. The guest is not asked.</summary>
    public async Task ResetAsync(Domain domain, string owner, CancellationToken ct)
    {
        ActiveQemu(domain);
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        var qemu = ActiveQemu(domain);
        await qemu.Monitor.ExecuteAsync(new SystemReset(), ct);
        domain.Apply(new DomainInput.RebootRequested(Pending: false));
        if (domain.Snapshot.Status.State == DomainState.Crashed)
            domain.Apply(new DomainInput.StatusSet(DomainStatus.Paused(PausedReason.Crashed), Announce: null));
    }

    private async Task PressPowerButtonAsync(Domain domain, bool reboot, string owner, CancellationToken ct)
    {
        ActiveQemu(domain);
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        var qemu = ActiveQemu(domain);
        // Before the button: the guest may be quick.
        domain.Apply(new DomainInput.RebootRequested(reboot));
        await qemu.Monitor.ExecuteAsync(new SystemPowerdown(), ct);
    }
}
