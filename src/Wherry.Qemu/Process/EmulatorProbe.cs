using Microsoft.Extensions.Logging;
using Wherry.Qemu.Host;
using Wherry.Qmp;
using Wherry.Qmp.Capabilities;

namespace Wherry.Qemu.Process;

/// <summary>Finds out what a QEMU binary can do: from the cache, or by starting it without a machine and asking.</summary>
public sealed class EmulatorProbe(
    ProcessSupervisor supervisor, CapabilitiesCache cache, ProcessTermination termination, HostFiles host, ILogger logger)
{
    /// <summary>For the whole probe. QEMU needs 0.1 s; a binary that is not QEMU would never answer.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    /// <exception cref="WherryException">The binary cannot be run, or does not speak QMP; what it printed is in the message.</exception>
    public async Task<QemuCapabilities> ProbeAsync(string emulator, CancellationToken ct)
    {
        var kvm = Kvm.Identity(host);
        if (cache.Find(emulator, kvm) is { } known)
            return known;

        var asking = AskAsync(emulator, "tcg", QemuCapabilities.ProbeAsync, ct);
        var askingKvm = kvm is null ? Task.FromResult<CpuProbe?>(null) : AskKvmAsync(emulator, ct);
        await Task.WhenAll(asking, askingKvm);
        var capabilities = await asking with { Kvm = await askingKvm };
        cache.Store(emulator, kvm, capabilities);
        return capabilities;
    }

    /// <summary>Another QEMU: which CPUs it has depends on the accelerator that it was started with.</summary>
    private async Task<CpuProbe?> AskKvmAsync(string emulator, CancellationToken ct)
    {
        try
        {
            return await AskAsync(emulator, "kvm", (monitor, token) => CpuProbe.AskAsync(monitor, "host", token), ct);
        }
        catch (WherryException e)
        {
            // A QEMU built without KVM, or a KVM that opens and does not work: domains of type qemu can run all the same.
            ProcessLog.NoKvm(logger, emulator, e.Message);
            return null;
        }
    }

    private async Task<T> AskAsync<T>(string emulator, string accelerator, Func<MonitorSession, CancellationToken, Task<T>> ask, CancellationToken ct)
    {
        var directory = Directory.CreateTempSubdirectory("wherry-probe-");
        try
        {
            return await AskAsync(emulator, accelerator, directory.FullName, ask, ct);
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private async Task<T> AskAsync<T>(
        string emulator, string accelerator, string directory, Func<MonitorSession, CancellationToken, Task<T>> ask, CancellationToken ct)
    {
        var log = Path.Combine(directory, "log");
        using var lifeline = new Lifeline();
        var (process, socket) = Start(emulator, accelerator, directory, log, lifeline);
        lifeline.Theirs.Dispose();
        try
        {
            var options = new MonitorOptions { Owner = emulator, ConnectDeadline = Deadline, CommandDeadline = Deadline, Logger = logger };
            await using var monitor = await MonitorSession.ConnectAsync(socket, options, ct);
            return await ask(monitor, ct);
        }
        catch (WherryException e)
        {
            throw new WherryException(ErrorCode.InternalError, $"Failed to probe QEMU binary '{emulator}': {LogTail.Read(log, from: 0)}", inner: e);
        }
        finally
        {
            await termination.TerminateAsync(emulator, process, TerminationFlags.Force | TerminationFlags.NoWait, CancellationToken.None);
            await process.Exited; // SIGKILL of a process that does no I/O.
        }
    }

    private (QemuProcess Process, string Socket) Start(string emulator, string accelerator, string directory, string log, Lifeline lifeline)
    {
        var socket = Path.Combine(directory, "monitor");
        using var listener = MonitorSocket.Listen(socket);
        var process = supervisor.Start(new ProcessStart
        {
            Executable = emulator,
            Arguments =
            [
                "-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", $"none,accel={accelerator}",
                "-chardev", $"socket,id=charmonitor,fd={listener.DangerousGetHandle()},server=on,wait=off", "-mon", "chardev=charmonitor,mode=control",
                .. lifeline.Arguments,
            ],
            LogPath = log,
            InheritedFds = [listener, lifeline.Theirs],
        });
        return (process, socket);
    }
}
