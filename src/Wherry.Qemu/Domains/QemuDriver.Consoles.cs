using Wherry.Qemu.Consoles;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// What somebody in front of the machine would see: its consoles and its screen.
public sealed partial class QemuDriver
{
    private readonly TerminalWatcher _terminals = new();

    /// <summary>virsh console.</summary>
    /// <param name="device">Alias of a console, serial or parallel device; null for the first console.</param>
    /// <param name="force">Takes it from a client that has it open.</param>
    /// <exception cref="WherryException">InternalError: no such device, or none that a client can open; OperationFailed: it is open.</exception>
    public ConsoleStream OpenConsole(Domain domain, string? device, bool force)
    {
        DomainRefusals.RequireActive(domain);
        var qemu = ActiveQemu(domain);
        var spec = domain.Snapshot.Definition.Spec;
        var found = (device is null
                ? spec.Consoles.Concat(spec.Serials)
                : spec.Consoles.Concat(spec.Serials).Concat(spec.Parallels).Where(character => character.Alias == device))
            .FirstOrDefault() ?? throw new WherryException(ErrorCode.InternalError, $"cannot find character device {device ?? "<null>"}");
        if (found.Source is not CharacterSource.Pty terminal)
            throw new WherryException(ErrorCode.InternalError, $"character device {device ?? found.Alias} is not using a PTY");
        return qemu.Consoles.Open(
            terminal.Path ?? throw new WherryException(ErrorCode.OperationFailed, "PTY device is not yet assigned"), force, _terminals);
    }

    /// <summary>virsh screenshot: the picture, and its media type.</summary>
    /// <param name="screen">Counts the outputs of all video devices.</param>
    /// <exception cref="WherryException">OperationInvalid: no such screen.</exception>
    public async Task<(Stream Picture, string MediaType)> TakeScreenshotAsync(Domain domain, uint screen, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Query, owner, ct);
        var qemu = ActiveQemu(domain);
        var now = domain.Snapshot;
        var spec = now.Definition.Spec;
        var output = FindScreen(spec, screen);
        var isPng = (await _emulators.GetAsync(spec.Emulator!, ct)).Capabilities.Has("screendump/arg/format=png"); // a completed definition names one
        var path = Path.Combine(_files.DirectoryOf(now.Id, now.Name), $"qemu.screendump.{Guid.NewGuid():N}");
        try
        {
            await qemu.Monitor.ExecuteAsync(
                new Screendump(path) { Device = output?.Alias, Head = output?.Head, Format = isPng ? "png" : null }, ct);
            // Read by its open descriptor from here on: the name goes at once, whatever becomes of the client.
            var picture = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
            return (picture, isPng ? "image/png" : "image/x-portable-pixmap");
        }
        catch (IOException e)
        {
            throw new WherryException(ErrorCode.OperationFailed, "unable to open stream", inner: e);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Null for the first, which is QEMU's default.</summary>
    private static (string Alias, int Head)? FindScreen(DomainSpec spec, uint screen)
    {
        if (spec.Videos.IsEmpty)
            throw new WherryException(ErrorCode.OperationInvalid, "no screens to take screenshot from");
        if (screen == 0)
            return null;
        var left = screen;
        foreach (var video in spec.Videos)
        {
            if (left < (video.Heads ?? 1))
                return (video.Alias!, (int)left); // a running domain's devices have aliases
            left -= (uint)(video.Heads ?? 1);
        }
        throw new WherryException(ErrorCode.OperationInvalid, "no such screen ID");
    }
}
