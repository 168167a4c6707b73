namespace Wherry.Qemu.Domains;

// The live status file: what the next daemon needs to find a running QEMU. See LiveStatus.
public sealed partial class QemuDriver
{
    private Task WriteStatusAsync(Domain domain, QemuInstance qemu, CancellationToken ct)
    {
        var now = domain.Snapshot;
        var status = new LiveStatus
        {
            Schema = LiveStatus.CurrentSchema,
            Name = now.Name,
            Uuid = now.Uuid,
            Id = now.Id,
            Pid = qemu.Process.Pid,
            StartTime = qemu.Process.StartTime,
            MonitorPath = qemu.MonitorPath,
            State = now.Status.State,
            Reason = now.Status.Reason,
            UsedByMonitor = now.UsedByMonitor,
            Xml = now.Definition.Document.ToStatusXml(),
        };
        return _files.Status.WriteAsync(now.Name, status.ToJson(), ct);
    }

    /// <summary>One task per run writes each change of what the file holds; many quick changes become one write.</summary>
    private void KeepStatusWritten(Domain domain, QemuInstance qemu) => qemu.KeepingStatus = KeepStatusWrittenAsync(domain, qemu);

    private async Task KeepStatusWrittenAsync(Domain domain, QemuInstance qemu)
    {
        await Task.Yield();
        var written = domain.Snapshot;
        var ending = qemu.GetEndingToken();
        try
        {
            while (true)
            {
                written = await domain.State.WaitAsync(
                    now => now.Status != written.Status || now.Live != written.Live || now.UsedByMonitor != written.UsedByMonitor, ending);
                await TryWriteStatusAsync(domain, qemu);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The clean-up removes the file.
        }
    }

    private async Task TryWriteStatusAsync(Domain domain, QemuInstance qemu)
    {
        try
        {
            await WriteStatusAsync(domain, qemu, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The guest must not suffer for it; the next change tries again.
            DomainLog.StatusNotWritten(_logger, domain.Name, e.Message);
        }
    }
}
