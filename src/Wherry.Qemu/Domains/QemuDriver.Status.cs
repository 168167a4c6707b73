using Wherry.Qemu.State;

namespace Wherry.Qemu.Domains;

// The live status file: what the next daemon needs to find a running QEMU. See LiveStatus.
public sealed partial class QemuDriver
{
    private static readonly TimeSpan StatusWriteLimit = TimeSpan.FromSeconds(2);

    private Task WriteStatusAsync(DomainSnapshot now, QemuInstance qemu, CancellationToken ct)
    {
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
            RebootPending = now.RebootPending,
            Job = now.Job?.Operation,
            AgentPatienceSeconds = now.AgentPatienceSeconds,
            LastBlockNode = qemu.LastBlockNode,
            Xml = now.Definition.Document.ToStatusXml(),
        };
        return _files.Status.WriteAsync(now.Name, status.ToJson(), ct);
    }

    /// <summary>One task per run writes each change of what the file holds; many quick changes become one write.</summary>
    /// <param name="written">What it holds now; null: it is to be written at once.</param>
    private void KeepStatusWritten(Domain domain, QemuInstance qemu, DomainSnapshot? written)
    {
        qemu.WrittenStatus = new VersionedState<DomainSnapshot?>(written);
        qemu.KeepingStatus = KeepStatusWrittenAsync(domain, qemu);
    }

    /// <summary>Waits until the file says so, or the disk takes too long to.</summary>
    private async Task UntilStatusIsWrittenAsync(QemuInstance qemu, Func<DomainSnapshot, bool> says, CancellationToken ct)
    {
        try
        {
            await qemu.WrittenStatus.WaitAsync(written => written is not null && says(written), StatusWriteLimit, _time, "the live status", ct);
        }
        catch (TimeoutException)
        {
            // The operation goes on: it is the next daemon that would know less, and only if this one ends now.
        }
    }

    private async Task KeepStatusWrittenAsync(Domain domain, QemuInstance qemu)
    {
        await Task.Yield();
        var ending = qemu.GetEndingToken();
        try
        {
            while (true)
            {
                var written = qemu.WrittenStatus.Current;
                var now = await domain.State.WaitAsync(now => written is null || Differ(now, written), ending);
                await TryWriteStatusAsync(now, qemu);
                qemu.WrittenStatus.Publish(now);
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The clean-up removes the file.
        }
    }

    private static bool Differ(DomainSnapshot now, DomainSnapshot written) =>
        now.Status != written.Status
        || now.Live != written.Live
        || now.UsedByMonitor != written.UsedByMonitor
        || now.AgentPatienceSeconds != written.AgentPatienceSeconds
        || now.RebootPending != written.RebootPending
        || now.Job?.Operation != written.Job?.Operation;

    private async Task TryWriteStatusAsync(DomainSnapshot now, QemuInstance qemu)
    {
        try
        {
            await WriteStatusAsync(now, qemu, CancellationToken.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The guest must not suffer for it; the next change tries again.
            DomainLog.StatusNotWritten(_logger, now.Name, e.Message);
        }
    }
}
