using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Domains;

// What QEMU says by itself. One task per run reads its events in order; it never waits for anything else, so that no reaction
// delays the next event. Reactions that need the monitor are tasks of their own, kept until the run has ended.
public sealed partial class QemuDriver
{
    /// <summary>EOF comes when QEMU ends, a moment before or after its pidfd tells; one that closes its monitor and lives on is broken.</summary>
    private static readonly TimeSpan ExitAfterEof = TimeSpan.FromSeconds(5);

    private void Watch(Domain domain, QemuInstance qemu)
    {
        var reactions = new List<Task>();
        qemu.EventsTaken = TakeAllAsync(domain, qemu, reactions);
        qemu.Agent.Following = FollowAgentAsync(domain, qemu);
        qemu.Watching = WatchAsync(domain, qemu, reactions);
    }

    private async Task WatchAsync(Domain domain, QemuInstance qemu, List<Task> reactions)
    {
        await qemu.EventsTaken;
        await EndOfMonitorAsync(domain, qemu);
        await Task.WhenAll([.. reactions, qemu.Agent.Following]);
    }

    private async Task TakeAllAsync(Domain domain, QemuInstance qemu, List<Task> reactions)
    {
        await Task.Yield();
        try
        {
            await foreach (var happened in qemu.Monitor.Events.ReadAllAsync())
            {
                reactions.RemoveAll(task => task.IsCompletedSuccessfully);
                reactions.Add(Take(domain, qemu, happened));
                qemu.Deliver(happened);
            }
        }
        finally
        {
            qemu.EndEvents();
        }
    }

    /// <summary>The domain's own reading of one event. Returns what has to be done besides.</summary>
    private Task Take(Domain domain, QemuInstance qemu, QmpEvent happened)
    {
        var data = happened.Data.ValueKind == System.Text.Json.JsonValueKind.Undefined ? null : Compact(happened.Data.GetRawText());
        domain.Announce(new DomainEvent.Monitor(
            happened.Name, happened.Timestamp.Seconds, (uint)happened.Timestamp.Microseconds, data));
        if (qemu.IsEnding)
        {
            // A SHUTDOWN caused by our own SIGTERM is told as such, and asks nothing more of us.
            if (happened.Name == "SHUTDOWN" && qemu.EndsByDestroy)
                ApplyMeaning(domain, happened);
            return Task.CompletedTask;
        }
        if (happened.Name == QmpEvent.Overflow)
            return Run(domain, "query-status after lost events", () => AskStatusAsync(domain, qemu));

        var before = domain.RunState;
        ApplyMeaning(domain, happened);
        if (happened.Name == "VSERPORT_CHANGE")
            TakeChannelChange(domain, happened);
        if (happened.Name == "BALLOON_CHANGE")
            TakeBalloonChange(domain, happened);
        if (happened.Name == "DEVICE_TRAY_MOVED")
            TakeTray(domain, happened);

        return happened.Name switch
        {
            "SHUTDOWN" => Run(domain, "guest shutdown", () => AfterGuestShutdownAsync(domain, qemu, before)),
            "DEVICE_DELETED" when IsVcpu(happened) => Run(domain, "virtual CPU gone", () => ShowVcpusAsync(domain, qemu, CancellationToken.None)),
            "DEVICE_DELETED" or "DEVICE_UNPLUG_GUEST_ERROR" or "ACPI_DEVICE_OST" =>
                TakeRemoval(domain, qemu, happened),
            "GUEST_PANICKED" => Run(domain, "guest panic", () => AfterPanicAsync(domain, qemu, happened.Data)),
            "WATCHDOG" when domain.Snapshot.Live?.Spec.Watchdog?.Action == "dump" =>
                Run(domain, "watchdog dump", () => AfterWatchdogAsync(domain, qemu)),
            _ => Task.CompletedTask,
        };
    }

    /// <summary>The guest has opened or closed its end of a channel.</summary>
    private static void TakeChannelChange(Domain domain, QmpEvent happened)
    {
        if (!happened.Data.TryGetProperty("id", out var id) || !happened.Data.TryGetProperty("open", out var open))
            return;
        var (alias, isOpen) = (id.GetString() ?? "", open.ValueKind == System.Text.Json.JsonValueKind.True);
        SetChannel(domain, alias, isOpen);
    }

    /// <summary>The tray of a drive has moved.</summary>
    private static void TakeTray(Domain domain, QmpEvent happened)
    {
        if (!happened.Data.TryGetProperty("id", out var id) || !happened.Data.TryGetProperty("tray-open", out var open))
            return;
        // A drive behind a USB bridge is named by its path, whose fourth part is the alias.
        var (name, isOpen) = (id.GetString() ?? "", open.ValueKind == System.Text.Json.JsonValueKind.True);
        var alias = name.StartsWith('/') ? name.Split('/').ElementAtOrDefault(3) ?? "" : name;
        ChangeLive(domain, document => document.WithTray(alias, isOpen));
    }

    private static void SetChannel(Domain domain, string alias, bool isOpen)
    {
        domain.Change(now => now.Live?.Document.WithChannelState(alias, DomainLauncher.ChannelState(isOpen)) is { } changed && changed != now.Live.Document
            ? now with { Live = new DomainDefinition(changed) }
            : now);
        if (domain.Snapshot.Live?.Spec.Channels.FirstOrDefault(channel => channel.Alias == alias)?.Name == DomainLauncher.GuestAgentChannel)
            domain.Announce(new DomainEvent.AgentLifecycle(isOpen, AgentLifecycleReason.Channel));
    }

    /// <summary>Asks how the guest's channels stand: one that has moved here may have opened them elsewhere.</summary>
    public static async Task RefreshChannelsAsync(Domain domain, QemuInstance qemu, CancellationToken ct)
    {
        if (domain.Snapshot.Live is not { Spec.Channels: { IsEmpty: false } channels })
            return;
        var chardevs = (await qemu.Monitor.ExecuteAsync(new QueryChardev(), ct)).ToDictionary(chardev => chardev.Label, StringComparer.Ordinal);
        foreach (var channel in channels)
        {
            if (channel.Alias is { } alias && chardevs.TryGetValue(DomainLauncher.ChardevPrefix + alias, out var chardev))
                SetChannel(domain, alias, chardev.FrontendOpen);
        }
    }

    /// <summary>The guest has followed a wish for more or less memory: its XML shows what it has.</summary>
    private static void TakeBalloonChange(Domain domain, QmpEvent happened)
    {
        if (happened.Data.TryGetProperty("actual", out var actual) && actual.TryGetInt64(out var bytes) && bytes >= 0)
            domain.Change(now => now.Live is { } live
                ? now with { Live = new DomainDefinition(live.Document.WithCurrentMemory(new Xml.ByteSize((ulong)bytes))) }
                : now);
    }

    private static void AnnounceAgents(Domain domain, IEnumerable<bool> connected)
    {
        foreach (var isConnected in connected)
            domain.Announce(new DomainEvent.AgentLifecycle(isConnected, AgentLifecycleReason.DomainStarted));
    }

    private static void ApplyMeaning(Domain domain, QmpEvent happened)
    {
        var before = domain.RunState;
        var (inputs, announcements) = QemuEventMeaning.Of(happened, RunNames.Of(domain.Snapshot.Live));
        foreach (var announcement in announcements)
        {
            if (announcement is DomainEvent.Reboot && before.Status.IsPausedFor(PausedReason.StartingUp))
                continue;
            domain.Announce(announcement);
        }
        foreach (var input in inputs)
            domain.Apply(input);
    }

    private static async Task AskStatusAsync(Domain domain, QemuInstance qemu)
    {
        var status = await qemu.Monitor.ExecuteAsync(new QueryStatus(), CancellationToken.None);
        domain.Apply(status.Running ? new DomainInput.CpusStarted() : new DomainInput.CpusStopped());
    }

    private async Task EndOfMonitorAsync(Domain domain, QemuInstance qemu)
    {
        var cause = await qemu.Monitor.Closed;
        try
        {
            await qemu.Process.Exited.WaitAsync(ExitAfterEof, _time);
        }
        catch (TimeoutException) when (cause.IsProtocolError)
        {
            // The guest does not suffer for what we cannot read; it goes on until somebody ends it.
            DomainLog.MonitorUnusable(_logger, domain.Name, qemu.Process.Pid, cause.Message);
            domain.Announce(new DomainEvent.ControlError());
            await qemu.Process.Exited;
        }
        catch (TimeoutException)
        {
            DomainLog.LivesWithoutMonitor(_logger, domain.Name, qemu.Process.Pid);
        }
        var intent = domain.Snapshot.Status.State == DomainState.Shutdown ? StopIntent.GuestShutdown() : StopIntent.Crashed();
        if (qemu.TryIntend(intent) && intent.Reason == ShutoffReason.Crashed)
            DomainLog.Crashed(_logger, domain.Name, qemu.Process.Pid, LogTail.Read(_files.LogOf(domain.Name), 0));
        await Run(domain, "end of monitor", () => StopAsync(domain, qemu, intent, TerminationFlags.Force, CancellationToken.None));
        if (qemu.HasEnded)
            return;
        // Deaf even to SIGKILL, as a process in uninterruptible I/O is: it ends when that does, and is cleaned up after then.
        DomainLog.EndsLater(_logger, domain.Name, qemu.Process.Pid);
        await qemu.Process.Exited;
        await Run(domain, "late end", () => StopAsync(domain, qemu, intent, TerminationFlags.Force, CancellationToken.None));
    }

    /// <summary>Runs a reaction whose failure is ours to report: nobody waits for its result.</summary>
    private async Task Run(Domain domain, string what, Func<Task> reaction)
    {
        try
        {
            await Task.Run(reaction);
        }
        catch (Exception e)
        {
            DomainLog.ReactionFailed(_logger, e, domain.Name, what);
        }
    }
}
