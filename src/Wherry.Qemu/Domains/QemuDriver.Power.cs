using System.Text.Json.Nodes;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;
using Wherry.Qmp.GuestAgent;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// Shutdown, reboot and reset: requests to the guest by its power button. QEMU has no button for a reboot: the power-off that follows is
// turned into a reset, see QemuDriver.Crashes.
public sealed partial class QemuDriver
{
    /// <summary>Presses the ACPI power button. Returns when it is pressed; the guest may take its time, or ignore it.</summary>
    /// <exception cref="WherryException">OperationInvalid: the guest is off, or paused and could not hear it.</exception>
    public Task ShutdownAsync(Domain domain, string owner, CancellationToken ct) =>
        PressPowerButtonAsync(domain, spec => spec.OnPoweroff == LifecycleAction.Restart, mustRun: true, owner, ct);

    /// <summary>The same, and the power-off that follows is turned into a reset, unless the definition wants no reboots.</summary>
    public Task RebootAsync(Domain domain, string owner, CancellationToken ct) =>
        PressPowerButtonAsync(domain, spec => spec.OnReboot is not (LifecycleAction.Destroy or LifecycleAction.Preserve), mustRun: false, owner, ct);

    /// <summary>The reset button. The guest is not asked.</summary>
    public async Task ResetAsync(Domain domain, string owner, CancellationToken ct)
    {
        ActiveQemu(domain);
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        var qemu = ActiveQemu(domain);
        await qemu.Monitor.ExecuteAsync(new SystemReset(), ct);
        await qemu.CatchUpAsync(ct);
        domain.Apply(new DomainInput.RebootRequested(Pending: false));
        if (domain.Snapshot.Status.State == DomainState.Crashed)
            domain.Apply(new DomainInput.StatusSet(DomainStatus.Paused(PausedReason.Crashed), Announce: null));
    }

    /// <summary>Shutdown or reboot by the agent inside the guest, by the power button, or by the one that works.</summary>
    /// <remarks>
    /// <code>
    ///   agent          the agent and nothing else: its refusal is the caller's
    ///   acpi           the button and nothing else
    ///   both           the agent; the button when that fails
    ///   neither        the same where an agent is connected, else the button
    /// </code>
    /// </remarks>
    public async Task PowerAsync(Domain domain, bool reboot, PowerWays ways, string owner, CancellationToken ct)
    {
        var byAgent = ways.HasFlag(PowerWays.Agent) || (ways == PowerWays.None && domain.Qemu?.Agent.Session is not null);
        if (byAgent)
        {
            try
            {
                await PowerByAgentAsync(domain, reboot, owner, ct);
                return;
            }
            catch (WherryException) when (ways != PowerWays.Agent)
            {
                if (!reboot && !domain.Snapshot.IsActive)
                    return; // it went by itself meanwhile
            }
        }
        await (reboot ? RebootAsync(domain, owner, ct) : ShutdownAsync(domain, owner, ct));
    }

    private async Task PowerByAgentAsync(Domain domain, bool reboot, string owner, CancellationToken ct)
    {
        const int Seconds = 60; // libvirt's patience for this command alone
        var now = domain.Snapshot;
        if (now.Status.State != DomainState.Running)
            throw new WherryException(ErrorCode.OperationInvalid, "domain is not running");
        var agent = AgentOf(domain);
        var comesBack = reboot
            ? now.Definition.Spec.OnReboot is not (LifecycleAction.Destroy or LifecycleAction.Preserve)
            : now.Definition.Spec.OnPoweroff == LifecycleAction.Restart;
        // The guest resets itself: a power-off that follows is one.
        domain.Apply(new DomainInput.RebootRequested(Pending: false));
        var arguments = new JsonObject { ["mode"] = comesBack ? "reboot" : "powerdown" };
        await agent.ExecuteLastAsync("guest-shutdown", arguments, new AgentPatience(Seconds), owner, ct);
    }

    private async Task PressPowerButtonAsync(Domain domain, Func<DomainSpec, bool> reboots, bool mustRun, string owner, CancellationToken ct)
    {
        Check();
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        Check();
        var qemu = ActiveQemu(domain);
        // Before the button: the guest may be quick.
        var pending = reboots(domain.Snapshot.Definition.Spec);
        domain.Apply(new DomainInput.RebootRequested(pending));
        if (pending)
            await UntilStatusIsWrittenAsync(qemu, written => written.RebootPending, ct); // a restart of ours must not make it a shutdown
        await qemu.Monitor.ExecuteAsync(new SystemPowerdown(), ct);
        await qemu.CatchUpAsync(ct);

        void Check()
        {
            // Which of libvirt's modules says so is part of the error.
            if (mustRun && !domain.Snapshot.Status.IsRunning)
                throw new WherryException(ErrorCode.OperationInvalid, "domain is not running");
            ActiveQemu(domain);
        }
    }
}

/// <summary>How a guest is asked to go down, with libvirt's numbers.</summary>
[Flags]
public enum PowerWays
{
    /// <summary>Whichever works.</summary>
    None = 0,

    /// <summary>The ACPI power button.</summary>
    Acpi = 1,

    /// <summary>The agent inside the guest.</summary>
    Agent = 2,
}
