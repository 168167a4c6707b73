using Wherry.Qemu.Launch;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// The end of a run. However many want it (destroy, EOF, failed start, migration), the first intent counts and the clean-up runs once.
//
//   destroy ---- intend ---- SIGTERM, wait on the pidfd, SIGKILL ---.
//   guest shutdown: SHUTDOWN event ---- SIGTERM (no wait) -- EOF ---+--> EndOnce: monitor closed, resources released, control group and run
//   crash ------------------------------------------------- EOF ---'             directory removed, then state, snapshot and event as one
public sealed partial class QemuDriver
{
    private static readonly TimeSpan StartFailsWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Ends the domain's QEMU. Needs no turn: it works beside every job, and a job that waits for this QEMU fails when it goes.
    /// Returns as soon as the process is gone and cleaned up after.
    /// </summary>
    /// <param name="graceful">SIGTERM only; if QEMU does not end by it, it goes on running and the call fails (S4.1).</param>
    /// <exception cref="WherryException">OperationInvalid: not running. OperationFailed: the process would not end.</exception>
    public async Task DestroyAsync(Domain domain, bool graceful, CancellationToken ct)
    {
        var flags = graceful ? TerminationFlags.None : TerminationFlags.Force;
        if (domain.Qemu is null && domain.Launching is { } launching)
        {
            // The start (or the re-attachment) fails by it, and cleans up after itself.
            (await _termination.TerminateAsync(domain.Name, launching, flags, ct)).ThrowUnlessEnded();
            await domain.State.WaitAsync(now => !now.IsActive, StartFailsWithin, _time, $"the failed start of domain '{domain.Name}'", ct);
            return;
        }
        var qemu = ActiveQemu(domain);
        domain.Apply(new DomainInput.RebootRequested(Pending: false));
        await StopAsync(domain, qemu, StopIntent.Destroyed(), flags, ct);
        DomainLog.Destroyed(_logger, domain.Name, graceful);
    }

    /// <summary>Ends one run of a domain for the given reason, unless another reason was first; then waits for that end.</summary>
    /// <remarks>Cancelling stops the waiting and the escalation, not the end of a process that has been signalled.</remarks>
    public async Task StopAsync(Domain domain, QemuInstance qemu, StopIntent intent, TerminationFlags flags, CancellationToken ct)
    {
        qemu.TryIntend(intent);
        TerminationResult result;
        try
        {
            result = await _termination.TerminateAsync(domain.Name, qemu.Process, flags, ct);
            result.ThrowUnlessEnded();
        }
        catch
        {
            qemu.Withdraw(intent);
            throw;
        }
        if (result.Outcome == TerminationOutcome.Gone)
            await qemu.EndOnceAsync(intent, counted => CleanUpAsync(domain, qemu, counted));
    }

    /// <summary>Ends the runs whose owner is gone (virsh start --autodestroy, a migration's unfinished destination).</summary>
    public async Task DestroyOwnedByAsync(object owner, CancellationToken ct)
    {
        var owned = Domains.All.Where(domain => domain.AutodestroyOwner == owner).ToList();
        foreach (var domain in owned)
            DomainLog.Autodestroying(_logger, domain.Name);
        await Task.WhenAll(owned.Where(domain => domain.Qemu is not null).Select(domain =>
            StopAsync(domain, domain.Qemu!, StopIntent.Destroyed(), TerminationFlags.Force, ct)));
    }

    private async Task CleanUpAsync(Domain domain, QemuInstance qemu, StopIntent intent)
    {
        var before = domain.Snapshot;
        await qemu.KeepingStatus;
        // What QEMU said last is read to its end, which has come: the process is gone. A descendant that holds the socket must not delay us.
        await Task.WhenAny(qemu.EventsTaken, Task.Delay(LastWords, _time));
        await qemu.Monitor.DisposeAsync();
        foreach (var resource in qemu.Resources)
            resource.Dispose();
        if (qemu.Cgroup is { } cgroup)
            await _cgroups.RemoveAsync(cgroup, domain.Name);
        await RemovePortsAsync(domain.Name, before.Live?.Spec.Interfaces ?? []);
        RemoveRunFiles(before);
        WriteLog(domain.Name, $"shutting down, reason={ReasonInLog(intent.Reason)}");
        await EndRunAsync(domain, () => domain.Detach(intent));
        DomainLog.Stopped(_logger, domain.Name, qemu.Process.Pid, domain.Snapshot.Status.ToString());
    }

    /// <summary>libvirt's word, which scripts look for.</summary>
    private static string ReasonInLog(ShutoffReason reason) => reason switch
    {
        ShutoffReason.FromSnapshot => "from snapshot",
        _ => reason.ToString().ToLowerInvariant(),
    };

    /// <summary>A transient domain ends with its run: who hears of the end, or has waited for it, does not find the domain any more.</summary>
    private async Task EndRunAsync(Domain domain, Action end)
    {
        using var turn = await domain.DefineAloneAsync(CancellationToken.None);
        if (!domain.Snapshot.IsPersistent)
            Forget(domain);
        end();
    }

    private void Forget(Domain domain)
    {
        Domains.Remove(domain);
        DomainLog.Forgotten(_logger, domain.Name);
    }

    /// <summary>Takes interfaces that are gone out of their switch.</summary>
    private async Task RemovePortsAsync(string domain, IEnumerable<InterfaceSpec> interfaces)
    {
        foreach (var tap in interfaces.Where(nic => nic.IsOwnPort).Select(nic => nic.TargetDev).OfType<string>())
        {
            if (await OpenVswitch.TryRemovePortAsync(_tools, tap) is { } reason)
                DomainLog.PortRemains(_logger, domain, tap, reason);
        }
    }

    private void RemoveRunFiles(DomainSnapshot run)
    {
        try
        {
            _files.RemoveRun(run.Id, run.Name);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The guest is gone whatever the disk says; a left-over is found dead at the next start of the daemon.
            DomainLog.RunFilesRemain(_logger, run.Name, e.Message);
        }
    }
}
