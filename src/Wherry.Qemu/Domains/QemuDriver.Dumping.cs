using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;
using DumpStatus = Wherry.Qmp.Values.DumpStatus;

namespace Wherry.Qemu.Domains;

// The guest's memory as an ELF core file, written by QEMU.
public sealed partial class QemuDriver
{
    /// <summary>A dump that writes nothing for this long is stuck, and not worth a guest that stands.</summary>
    private static readonly TimeSpan DumpStall = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan DumpGlance = TimeSpan.FromMilliseconds(500);

    /// <summary>Writes the guest's memory to a new file that only its owner may read. The guest stands meanwhile. The caller holds the
    /// domain's async job.</summary>
    /// <exception cref="WherryException">OperationFailed: QEMU could not write it; OperationTimeout: it stopped writing. What is
    /// incomplete is removed.</exception>
    private async Task DumpMemoryAsync(Domain domain, QemuInstance qemu, string path, CancellationToken ct)
    {
        var began = _time.GetTimestamp();
        try
        {
            await BeginDumpAsync(qemu, path, ct);
            await FollowDumpAsync(domain, qemu, began, ct);
        }
        catch
        {
            File.Delete(path);
            throw;
        }
        finally
        {
            domain.Change(now => now with { Job = null });
        }
    }

    private static async Task BeginDumpAsync(QemuInstance qemu, string path, CancellationToken ct)
    {
        const string descriptor = "dump";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        await qemu.Monitor.ExecuteWithDescriptorAsync(new Getfd(descriptor), file.SafeFileHandle, ct);
        await qemu.Monitor.ExecuteAsync(new DumpGuestMemory(Paging: false, $"fd:{descriptor}") { Detach = true }, ct);
    }

    private async Task FollowDumpAsync(Domain domain, QemuInstance qemu, long began, CancellationToken ct)
    {
        using var events = qemu.Subscribe();
        var (written, since) = (-1L, _time.GetTimestamp());
        while (true)
        {
            var dump = await qemu.Monitor.ExecuteAsync(new QueryDump(), ct);
            if (dump.Status == DumpStatus.Completed)
                return;
            if (dump.Status == DumpStatus.Failed)
                throw new WherryException(ErrorCode.OperationFailed, $"domain '{domain.Name}': QEMU could not write the memory dump");
            if (dump.Completed != written)
                (written, since) = (dump.Completed, _time.GetTimestamp());
            else if (_time.GetElapsedTime(since) > DumpStall)
                throw new WherryException(
                    ErrorCode.OperationTimeout, $"domain '{domain.Name}': the memory dump stands at {written} of {dump.Total} bytes");
            domain.Change(now => now with { Job = Progress(dump, began) });
            // DUMP_COMPLETED wakes us; the glance is for the progress, and for an event that got lost.
            await Task.WhenAny(events.Events.WaitToReadAsync(ct).AsTask(), Task.Delay(DumpGlance, _time, ct));
            while (events.Events.TryRead(out _))
            {
                // Hints only: the truth is queried.
            }
        }
    }

    private JobStats Progress(DumpInfo dump, long began) => new()
    {
        Type = JobType.Bounded,
        Operation = JobOperation.Dump,
        TimeElapsedMs = (ulong)_time.GetElapsedTime(began).TotalMilliseconds,
        Memory = new TransferStats((ulong)dump.Total, (ulong)dump.Completed, (ulong)(dump.Total - dump.Completed)),
    };
}
