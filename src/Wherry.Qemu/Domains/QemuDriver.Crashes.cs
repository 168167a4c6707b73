using System.Globalization;
using System.Text.Json;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Process;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// What follows when the guest powers itself off, panics, or stops feeding its watchdog. QEMU stands in all three (-no-shutdown,
// -watchdog-action pause for "dump"), and waits for us:
//
//   SHUTDOWN        reboot asked, or on_poweroff=restart ---> reset, CPUs run      else SIGTERM; its EOF ends the run
//   GUEST_PANICKED  on_crash: destroy | restart | preserve, the first two also after a core dump
//   WATCHDOG        action "dump" --> core dump, CPUs run
public sealed partial class QemuDriver
{
    private async Task AfterGuestShutdownAsync(Domain domain, QemuInstance qemu, DomainRunState before)
    {
        if (before.Status.State is DomainState.Shutdown || before.PoweredOff)
            return; // QEMU says it again when it gets our SIGTERM.
        if (domain.RunState.PoweredOff)
            await ResetAndRunAsync(domain, qemu);
        else
            await _termination.TerminateAsync(domain.Name, qemu.Process, TerminationFlags.NoWait, CancellationToken.None); // S4.11
    }

    private async Task AfterPanicAsync(Domain domain, QemuInstance qemu, JsonElement data)
    {
        if (PanicInformation(data) is { } information)
            WriteLog(domain.Name, $"panic {information}");
        DomainLog.Panicked(_logger, domain.Name, PanicInformation(data) ?? "no information");
        await FinishPanicAsync(domain, qemu);
    }

    /// <summary>What the definition says of a guest that has crashed; done again after a restart of ours that came between.</summary>
    private async Task FinishPanicAsync(Domain domain, QemuInstance qemu)
    {
        var action = domain.Snapshot.Live?.Spec.OnCrash;
        if (action is LifecycleAction.CoredumpDestroy or LifecycleAction.CoredumpRestart)
            await DumpAutomaticallyAsync(domain, qemu, "panic");
        switch (action)
        {
            case LifecycleAction.Restart or LifecycleAction.CoredumpRestart:
                await ResetAndRunAsync(domain, qemu);
                break;
            case LifecycleAction.Preserve:
                break;
            default:
                await StopAsync(domain, qemu, StopIntent.Panicked(), TerminationFlags.Force, CancellationToken.None);
                break;
        }
    }

    private async Task AfterWatchdogAsync(Domain domain, QemuInstance qemu)
    {
        await DumpAutomaticallyAsync(domain, qemu, "watchdog");
        using var lease = await BeginAsync(domain, JobKind.Modify, "watchdog", CancellationToken.None);
        await RunCpusAsync(domain, qemu, RunningReason.Unpaused, CancellationToken.None);
    }

    private async Task DumpAutomaticallyAsync(Domain domain, QemuInstance qemu, string cause)
    {
        using var lease = await BeginAsync(domain, AsyncJobKind.Dump, cause, CancellationToken.None);
        var path = _files.AutomaticDumpOf(domain.Snapshot.Id, domain.Name, _time.GetLocalNow());
        await DumpMemoryAsync(domain, qemu, path, CancellationToken.None);
        DomainLog.Dumped(_logger, domain.Name, path, cause);
    }

    /// <summary>Turns a guest's power-off or crash into a reboot: with -no-shutdown the machine is still there.</summary>
    private async Task ResetAndRunAsync(Domain domain, QemuInstance qemu)
    {
        try
        {
            using var lease = await BeginAsync(domain, JobKind.Modify, "reboot", CancellationToken.None);
            await qemu.Monitor.ExecuteAsync(new SystemReset(), CancellationToken.None);
            var reason = domain.Snapshot.Status.State == DomainState.Crashed ? RunningReason.Crashed : RunningReason.Booted;
            await RunCpusAsync(domain, qemu, reason, CancellationToken.None);
            domain.Apply(new DomainInput.RebootEnded());
        }
        catch (WherryException)
        {
            domain.Apply(new DomainInput.RebootEnded());
            // A guest that asked for a reboot and cannot have it must not look as if it ran. S4.11.
            await StopAsync(domain, qemu, StopIntent.Crashed(), TerminationFlags.Force, CancellationToken.None);
            throw;
        }
    }

    /// <summary>What the guest's crash device told, in libvirt's form; null for one that only tells that (pvpanic).</summary>
    internal static string? PanicInformation(JsonElement data)
    {
        if (data.ValueKind != JsonValueKind.Object || !data.TryGetProperty("info", out var info) || !info.TryGetProperty("type", out var type))
            return null;
        ulong Number(string name) => info.TryGetProperty(name, out var value) && value.TryGetUInt64(out var number) ? number : 0;
        return type.GetString() switch
        {
            "hyper-v" => string.Create(
                CultureInfo.InvariantCulture,
                $"hyper-v: arg1='0x{Number("arg1"):x}', arg2='0x{Number("arg2"):x}', arg3='0x{Number("arg3"):x}', arg4='0x{Number("arg4"):x}', arg5='0x{Number("arg5"):x}'"),
            "s390" => string.Create(
                CultureInfo.InvariantCulture,
                $"s390: core='{Number("core")}' psw-mask='0x{Number("psw-mask"):x16}' psw-addr='0x{Number("psw-addr"):x16}' reason='{(info.TryGetProperty("reason", out var reason) ? reason.GetString() : "")}'"),
            _ => null,
        };
    }

    /// <summary>A line of ours in the domain's log, beside what its QEMU prints.</summary>
    private void WriteLog(string name, string text)
    {
        try
        {
            var now = _time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss.fff+0000", CultureInfo.InvariantCulture);
            File.AppendAllText(_files.LogOf(name), $"{now}: {text}\n");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            DomainLog.LogNotWritten(_logger, name, e.Message);
        }
    }
}
