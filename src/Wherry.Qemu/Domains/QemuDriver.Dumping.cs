using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;
using DumpStatus = Wherry.Qmp.Values.DumpStatus;

namespace Wherry.Qemu.Domains;

// The guest's memory as an ELF core file, written by QEMU.
public sealed partial class QemuDriver
{
    /// <summary>A dump that writes nothing for this long is stuck, and not worth a guest that stands.</summary>
    private static readonly TimeSpan DumpStall = TimeSpan.FromSeconds(60);

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
        var (written, since) = (-1L, _time.GetTimestamp());
        if (!await Lookout.UntilAsync(qemu, _time, LookAsync, ct))
            throw DomainRefusals.NotRunning(); // QEMU has ended

        async Task<bool> LookAsync(CancellationToken looking)
        {
            var dump = await qemu.Monitor.ExecuteAsync(new QueryDump(), looking);
            if (dump.Status == DumpStatus.Completed)
                return true;
            if (dump.Status == DumpStatus.Failed)
                throw new WherryException(ErrorCode.OperationFailed, $"domain '{domain.Name}': QEMU could not write the memory dump");
            if (dump.Completed != written)
                (written, since) = (dump.Completed, _time.GetTimestamp());
            else if (_time.GetElapsedTime(since) > DumpStall)
                throw new WherryException(
                    ErrorCode.OperationTimeout, $"domain '{domain.Name}': the memory dump stands at {written} of {dump.Total} bytes");
            domain.Change(now => now with { Job = Progress(dump, began) });
            return false;
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
