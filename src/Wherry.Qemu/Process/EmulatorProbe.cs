using Microsoft.Extensions.Logging;
using Wherry.Qmp;
using Wherry.Qmp.Capabilities;

namespace Wherry.Qemu.Process;

/// <summary>Finds out what a QEMU binary can do: from the cache, or by starting it without a machine and asking.</summary>
public sealed class EmulatorProbe(ProcessSupervisor supervisor, CapabilitiesCache cache, ProcessTermination termination, ILogger logger)
{
    /// <summary>For the whole probe. QEMU needs 0.1 s; a binary that is not QEMU would never answer.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    /// <exception cref="WherryException">The binary cannot be run, or does not speak QMP; what it printed is in the message.</exception>
    public async Task<QemuCapabilities> ProbeAsync(string emulator, CancellationToken ct)
    {
        if (cache.Find(emulator) is { } known)
        {
            return known;
        }

        var directory = Directory.CreateTempSubdirectory("wherry-probe-");
        try
        {
            var capabilities = await AskAsync(emulator, directory.FullName, ct);
            cache.Store(emulator, capabilities);
            return capabilities;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private async Task<QemuCapabilities> AskAsync(string emulator, string directory, CancellationToken ct)
    {
        var log = Path.Combine(directory, "log");
        var (process, socket) = Start(emulator, directory, log);
        try
        {
            var options = new MonitorOptions { Owner = emulator, ConnectDeadline = Deadline, CommandDeadline = Deadline, Logger = logger };
            await using var monitor = await MonitorSession.ConnectAsync(socket, options, ct);
            return await QemuCapabilities.ProbeAsync(monitor, ct);
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

    private (QemuProcess Process, string Socket) Start(string emulator, string directory, string log)
    {
        var socket = Path.Combine(directory, "monitor");
        using var listener = MonitorSocket.Listen(socket);
        var process = supervisor.Start(new ProcessStart
        {
            Executable = emulator,
            Arguments =
            [
                "-S", "-no-user-config", "-nodefaults", "-nographic", "-machine", "none,accel=tcg",
                "-chardev", $"socket,id=charmonitor,fd={listener.DangerousGetHandle()},server=on,wait=off", "-mon", "chardev=charmonitor,mode=control",
            ],
            LogPath = log,
            InheritedFds = [listener],
        });
        return (process, socket);
    }
}
