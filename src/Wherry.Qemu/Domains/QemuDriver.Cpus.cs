using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Domains;

// Suspend and resume.
public sealed partial class QemuDriver
{
    /// <summary>virsh suspend. A domain that is paused already is no error.</summary>
    public async Task SuspendAsync(Domain domain, string owner, CancellationToken ct)
    {
        ActiveQemu(domain);
        using var lease = await BeginAsync(domain, JobKind.Suspend, owner, ct);
        var qemu = ActiveQemu(domain);
        switch (domain.Snapshot.Status.State)
        {
            case DomainState.PmSuspended:
                throw new WherryException(ErrorCode.OperationInvalid, "domain is pmsuspended");
            case DomainState.Paused:
                return;
            default:
                await StopCpusAsync(domain, qemu, PausedReason.User, ct);
                break;
        }
    }

    /// <summary>virsh resume. Unlike suspend, it is an error when there is nothing to do: libvirt's choice.</summary>
    public async Task ResumeAsync(Domain domain, string owner, CancellationToken ct)
    {
        RefuseInDoubt(domain.Uuid);
        ActiveQemu(domain);
        using var lease = await BeginAsync(domain, JobKind.Resume, owner, ct);
        var qemu = ActiveQemu(domain);
        RefuseInDoubt(domain.Uuid);
        var status = domain.Snapshot.Status;
        switch (status.State)
        {
            case DomainState.PmSuspended:
                throw new WherryException(ErrorCode.OperationInvalid, "domain is pmsuspended");
            case DomainState.Running:
                throw new WherryException(ErrorCode.OperationInvalid, "domain is already running");
            case DomainState.Crashed:
                await qemu.Monitor.ExecuteAsync(new SystemReset(), ct);
                await RunCpusAsync(domain, qemu, RunningReason.Unpaused, ct);
                return;
            default:
                await RunCpusAsync(domain, qemu, RunningReason.Unpaused, ct);
                return;
        }
    }

    /// <summary><c>cont</c>, with the reason announced first. Whoever calls it holds the right to run this guest.</summary>
    /// <param name="domain">Whose CPUs.</param>
    /// <param name="qemu">Its process.</param>
    /// <param name="reason">Why they run.</param>
    /// <param name="ct">Stops waiting; the command may still take effect.</param>
    /// <param name="deadline">For the answer; the monitor's own when null.</param>
    public static Task RunCpusAsync(Domain domain, QemuInstance qemu, RunningReason reason, CancellationToken ct, TimeSpan? deadline = null) =>
        MoveCpusAsync(domain, qemu, new DomainInput.CpusStarting(reason), new Cont(), new DomainInput.CpusStarted(), deadline, ct);

    /// <summary><c>stop</c>, with the reason announced first.</summary>
    public static Task StopCpusAsync(Domain domain, QemuInstance qemu, PausedReason reason, CancellationToken ct) =>
        MoveCpusAsync(domain, qemu, new DomainInput.CpusStopping(reason), new Stop(), new DomainInput.CpusStopped(), deadline: null, ct);

    private static async Task MoveCpusAsync(
        Domain domain, QemuInstance qemu, DomainInput announce, QmpCommand<QmpEmpty> command, DomainInput done, TimeSpan? deadline, CancellationToken ct)
    {
        domain.Apply(announce);
        try
        {
            await qemu.Monitor.ExecuteAsync(command, ct, deadline);
        }
        catch (QmpErrorException)
        {
            // A missed deadline is not a refusal: the command may still take effect, and then means what was announced.
            domain.Apply(new DomainInput.CommandRefused());
            throw;
        }
        await qemu.CatchUpAsync(ct);
        if (!qemu.IsEnding)
            domain.Apply(done);
    }

    private void RefuseInDoubt(Guid uuid)
    {
        if (HandOvers.Refusal(uuid) is { } refusal)
            throw new WherryException(ErrorCode.OperationInvalid, refusal);
    }
}
