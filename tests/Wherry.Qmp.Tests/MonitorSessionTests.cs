using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Errors;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Events;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qmp.Tests;

public sealed class MonitorSessionTests : IAsyncDisposable
{
    private readonly FakeQemu _qemu = new();
    private readonly ManualTimeProvider _time = new();
    private readonly ListLogger _log = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _qemu.DisposeAsync();

    [Fact]
    public async Task Negotiation_ends_in_running_with_out_of_band_agreed()
    {
        await using var monitor = await ConnectAsync();
        Assert.Equal(MonitorState.Running, monitor.State);
        Assert.True(monitor.OutOfBand);
        Assert.Equal(7_002_022u, monitor.Greeting.Version.Number);
        Assert.Equal(["qmp_capabilities"], _qemu.Received);
    }

    [Fact]
    public async Task An_event_before_the_reply_of_its_command_has_the_smaller_number()
    {
        await using var monitor = await ConnectAsync();
        var before = await monitor.ExecuteNumberedAsync(new QueryStatus(), Ct);
        var cont = await monitor.ExecuteNumberedAsync(new Cont(), Ct);
        var resume = await monitor.Events.ReadAsync(Ct);
        Assert.Equal(QmpEvents.Resume, resume.Name);
        Assert.InRange(resume.Sequence, before.Sequence + 1, cont.Sequence - 1);
        Assert.Equal(resume.Sequence, monitor.LastEvent);
    }

    [Fact]
    [Fault(65)]
    public async Task Events_keep_the_order_of_arrival_whatever_their_timestamps_say()
    {
        await using var monitor = await ConnectAsync();
        for (var i = 0; i < 3; i++)
        {
            await monitor.ExecuteAsync(new Cont(), Ct);
            await monitor.ExecuteAsync(new Stop(), Ct);
        }

        var events = await ReadEventsAsync(monitor, 6);
        Assert.Equal(["RESUME", "STOP", "RESUME", "STOP", "RESUME", "STOP"], events.Select(e => e.Name));
        Assert.Equal(events.Select(e => e.Sequence).Order(), events.Select(e => e.Sequence));
        Assert.NotEqual(events.Select(e => e.Timestamp.Microseconds).Order(), events.Select(e => e.Timestamp.Microseconds));
    }

    [Fact]
    [Fault(51)]
    public async Task Events_sent_before_the_end_are_all_delivered_before_the_channel_completes()
    {
        await using var monitor = await ConnectAsync();
        await monitor.ExecuteAsync(new Cont(), Ct);
        await monitor.ExecuteAsync(new Quit(), Ct);
        var cause = await monitor.Closed.Within();
        Assert.Contains("End of file", cause.Message, StringComparison.Ordinal);
        Assert.Equal(MonitorState.Closed, monitor.State);

        var names = await monitor.Events.ReadAllAsync(Ct).Select(e => e.Name).ToListAsync(Ct);
        Assert.Equal(["RESUME", "SHUTDOWN"], names);
    }

    [Fact]
    public async Task The_end_of_the_connection_fails_every_pending_and_later_command_with_one_cause()
    {
        await using var monitor = await ConnectAsync();
        _qemu.HangMainLoop();
        var first = monitor.ExecuteAsync(new QueryStatus(), Ct);
        var second = monitor.ExecuteAsync(new Stop(), Ct);
        await ReceivedAsync("query-status");
        _qemu.Process.End(default);

        var cause = await monitor.Closed.Within();
        Assert.Same(cause, await Assert.ThrowsAsync<MonitorClosedException>(() => first.Within()));
        Assert.Same(cause, await Assert.ThrowsAsync<MonitorClosedException>(() => second.Within()));
        Assert.Same(cause, await Assert.ThrowsAsync<MonitorClosedException>(() => monitor.ExecuteAsync(new Stop(), Ct).Within()));
    }

    [Fact]
    public async Task A_missed_deadline_leaves_the_session_usable_and_its_late_reply_is_dropped()
    {
        _qemu.StartRunning();
        await using var monitor = await ConnectAsync();
        _qemu.Hang("stop");
        var timeout = await GiveUpAsync(monitor, new Stop(), "stop");
        Assert.True(timeout.WasSent);
        Assert.Equal(ErrorCode.OperationTimeout, timeout.Code);
        var owed = monitor.Owed;
        Assert.False(owed!.IsCompleted);

        _qemu.ReleaseMainLoop();
        await owed.Within();
        var status = await monitor.ExecuteAsync(new QueryStatus(), Ct).Within();
        Assert.Equal(RunState.Paused, status.Status);
        Assert.Null(monitor.Owed);
        Assert.Contains(_log.Lines, l => l.Id == 2004);
    }

    [Fact]
    public async Task A_command_behind_an_unanswered_one_was_never_sent_when_it_times_out()
    {
        await using var monitor = await ConnectAsync();
        _qemu.Hang("block-job-cancel");
        var first = monitor.ExecuteAsync(new BlockJobCancel("drive0"), Ct, TimeSpan.FromSeconds(60));
        await ReceivedAsync("block-job-cancel");
        var second = monitor.ExecuteAsync(new Cont(), Ct, TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(5));
        var timeout = await Assert.ThrowsAsync<QmpTimeoutException>(() => second.Within());
        Assert.False(timeout.WasSent);
        Assert.Contains("'block-job-cancel'", timeout.Message, StringComparison.Ordinal);

        _qemu.ReleaseMainLoop();
        await Assert.ThrowsAsync<QmpErrorException>(() => first.Within());
        await monitor.ExecuteAsync(new QueryStatus(), Ct).Within();
        Assert.DoesNotContain("cont", _qemu.Received);
    }

    [Fact]
    [Fault(44)]
    public async Task A_question_may_follow_a_command_that_was_given_up_and_its_answer_tells_that_the_other_is_lost()
    {
        await using var monitor = await ConnectAsync();
        _qemu.Swallow("cont");
        await GiveUpAsync(monitor, new Cont(), "cont");
        var owed = monitor.Owed;
        var stop = monitor.ExecuteAsync(new Stop(), Ct, TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.False((await Assert.ThrowsAsync<QmpTimeoutException>(() => stop.Within())).WasSent); // it would act, whenever QEMU gets to it

        Assert.True((await monitor.ExecuteAsync(new QueryStatus(), Ct).Within()).Running);
        await Assert.ThrowsAsync<MonitorClosedException>(() => owed!.Within());
        Assert.Null(monitor.Owed);
        Assert.Contains(_log.Lines, l => l.Id == 2011);
        await monitor.ExecuteAsync(new Stop(), Ct).Within();
    }

    /// <summary>Eight that wait inside QEMU would stop it from reading.</summary>
    [Fact]
    public async Task No_more_than_one_question_follows_a_command_that_was_given_up()
    {
        await using var monitor = await ConnectAsync();
        _qemu.HangMainLoop();
        await GiveUpAsync(monitor, new Cont(), "cont");
        var questions = Enumerable.Range(0, 3).Select(_ => monitor.ExecuteAsync(new QueryStatus(), Ct)).ToList();
        await ReceivedAsync("query-status");
        await monitor.ExecuteOutOfBandAsync(new Yank([YankInstance.Migration]), Ct).Within(); // releases the main loop too
        Assert.Single(_qemu.Received.TakeWhile(command => command != "yank"), "query-status");
        Assert.All(await Task.WhenAll(questions).Within(), status => Assert.True(status.Running));
        Assert.DoesNotContain(_log.Lines, l => l.Id == 2011);
    }

    [Fact]
    public async Task Out_of_band_commands_overtake_a_hung_in_band_one()
    {
        await using var monitor = await ConnectAsync();
        _qemu.HangMainLoop();
        var hung = monitor.ExecuteAsync(new QueryStatus(), Ct);
        await ReceivedAsync("query-status");
        await monitor.ExecuteOutOfBandAsync(new Yank([YankInstance.Migration]), Ct).Within();
        Assert.Equal(RunState.Prelaunch, (await hung.Within()).Status);
    }

    [Fact]
    public async Task In_band_commands_reach_QEMU_one_at_a_time_in_the_order_they_were_asked()
    {
        await using var monitor = await ConnectAsync();
        _qemu.HangMainLoop();
        var pending = Enumerable.Range(0, 50).Select(i => i % 2 == 0 ? monitor.ExecuteAsync(new Cont(), Ct) : monitor.ExecuteAsync(new Stop(), Ct)).ToList();
        await ReceivedAsync("cont");
        Assert.Equal(2, _qemu.Received.Length); // qmp_capabilities and the one in work
        _qemu.ReleaseMainLoop();
        await Task.WhenAll(pending).Within();
        Assert.Equal(Enumerable.Range(0, 50).Select(i => i % 2 == 0 ? "cont" : "stop"), _qemu.Received.Skip(1));
    }

    [Fact]
    public async Task More_commands_than_the_lane_holds_are_refused_at_once()
    {
        await using var monitor = await ConnectAsync(o => o with { MaxQueuedCommands = 2 });
        _qemu.HangMainLoop();
        var inWork = monitor.ExecuteAsync(new QueryStatus(), Ct);
        await ReceivedAsync("query-status");
        Task[] waiting = [inWork, monitor.ExecuteAsync(new QueryStatus(), Ct), monitor.ExecuteAsync(new QueryStatus(), Ct)];
        var refused = await Assert.ThrowsAsync<WherryException>(() => monitor.ExecuteAsync(new QueryStatus(), Ct));
        Assert.Equal(ErrorCode.ResourceBusy, refused.Code);
        _qemu.ReleaseMainLoop();
        await Task.WhenAll(waiting).Within();
    }

    [Fact]
    public async Task Cancelling_stops_the_wait_and_an_unsent_command_is_never_sent()
    {
        await using var monitor = await ConnectAsync();
        _qemu.HangMainLoop();
        var inWork = monitor.ExecuteAsync(new QueryStatus(), Ct);
        await ReceivedAsync("query-status");
        using var cancel = new CancellationTokenSource();
        var cancelled = monitor.ExecuteAsync(new SystemReset(), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.Within());
        _qemu.ReleaseMainLoop();
        await inWork.Within();
        await monitor.ExecuteAsync(new QueryStatus(), Ct).Within();
        Assert.DoesNotContain("system_reset", _qemu.Received);
    }

    [Fact]
    public async Task A_refusal_carries_class_and_description_and_reads_as_from_libvirt()
    {
        await using var monitor = await ConnectAsync();
        var refusal = await Assert.ThrowsAsync<QmpErrorException>(() => monitor.ExecuteAsync(new BlockJobCancel("nope"), Ct));
        Assert.Equal("DeviceNotActive", refusal.ErrorClass);
        Assert.Equal(ErrorCode.InternalError, refusal.Code);
        Assert.Equal("internal error: unable to execute QEMU command 'block-job-cancel': Block job 'nope' not found", refusal.Message);
    }

    [Fact]
    public async Task A_raw_message_passes_through_and_its_error_comes_back_as_text()
    {
        await using var monitor = await ConnectAsync();
        var reply = JsonDocument.Parse(await monitor.ExecuteRawAsync("""{"execute": "query-status", "id": "mine"}""", Ct)).RootElement;
        Assert.Equal("prelaunch", reply.GetProperty("return").GetProperty("status").GetString());
        Assert.StartsWith("libvirt-", reply.GetProperty("id").GetString(), StringComparison.Ordinal);

        Assert.Contains("CommandNotFound", await monitor.ExecuteRawAsync("""{"execute": "frobnicate"}""", Ct), StringComparison.Ordinal);
        foreach (var bad in (string[])["", "[]", "{}", """{"execute": 1}""", "query-status"])
        {
            var error = await Assert.ThrowsAsync<WherryException>(() => monitor.ExecuteRawAsync(bad, Ct));
            Assert.Equal(ErrorCode.InvalidArg, error.Code);
        }
    }

    [Fact]
    public async Task A_reader_that_lags_is_told_that_events_were_dropped()
    {
        await using var monitor = await ConnectAsync(o => o with { EventCapacity = 2 });
        for (var i = 0; i < 3; i++)
        {
            await monitor.ExecuteAsync(new Cont(), Ct);
            await monitor.ExecuteAsync(new Stop(), Ct);
        }

        var names = (await ReadEventsAsync(monitor, 2)).Select(e => e.Name).ToList();
        await monitor.ExecuteAsync(new Cont(), Ct); // The next event finds room for the mark, and then for itself.
        names.AddRange((await ReadEventsAsync(monitor, 2)).Select(e => e.Name));
        Assert.Equal(["RESUME", "STOP", QmpEvent.Overflow, "RESUME"], names);
    }

    [Fact]
    public async Task Disposing_ends_the_connection_and_QEMU_takes_the_next_one()
    {
        var first = await ConnectAsync();
        var pending = first.ExecuteAsync(new QueryStatus(), Ct);
        await first.DisposeAsync();
        await Task.WhenAny(pending);
        Assert.Equal(MonitorState.Closed, first.State);
        await using var second = await ConnectAsync();
        Assert.Equal(RunState.Prelaunch, (await second.ExecuteAsync(new QueryStatus(), Ct)).Status);
    }

    [Fact]
    public async Task Nobody_listening_is_a_system_error()
    {
        var error = await Assert.ThrowsAsync<WherryException>(() => MonitorSession.ConnectAsync("/nonexistent/monitor", new MonitorOptions { Owner = "web1" }, Ct));
        Assert.Equal(ErrorCode.SystemError, error.Code);
    }

    [Fact]
    [Trait("req", "S0.12")]
    [Trait("req", "S0.15")]
    [Trait("req", "S0.16")]
    public void A_ready_event_of_an_empty_disk_with_an_enormous_speed_is_read()
    {
        var data = JsonDocument.Parse("""{"device": "drive-virtio-disk1", "len": 0, "offset": 0, "speed": 9223372036853727232, "type": "mirror"}""").RootElement;
        var received = new QmpEvent(1, "BLOCK_JOB_READY", default, data);
        Assert.True(received.Is(QmpEvents.BlockJobReady, out var job));
        Assert.Equal(new BlockJobEvent(JobType.Mirror, "drive-virtio-disk1", 0, 0, 9223372036853727232), job);
        Assert.False(received.Is(QmpEvents.BlockJobCompleted, out _));
    }

    [Fact]
    public void A_value_that_QEMU_added_to_an_enum_is_kept_and_is_none_of_ours()
    {
        var data = JsonDocument.Parse("""{"status": "levitating"}""").RootElement;
        Assert.True(new QmpEvent(1, "MIGRATION", default, data).Is(QmpEvents.Migration, out var migration));
        Assert.Equal("levitating", migration.Status.Value);
        Assert.NotEqual(MigrationStatus.Completed, migration.Status);
    }

    private Task<MonitorSession> ConnectAsync(Func<MonitorOptions, MonitorOptions>? change = null)
    {
        var options = new MonitorOptions { Owner = "web1", TimeProvider = _time, Logger = _log };
        return MonitorSession.ConnectAsync(_qemu.MonitorPath, change?.Invoke(options) ?? options, Ct).Within();
    }

    /// <summary>QEMU has the command, and its caller has left.</summary>
    private async Task<QmpTimeoutException> GiveUpAsync(MonitorSession monitor, QmpCommand<QmpEmpty> command, string name)
    {
        var limit = TimeSpan.FromSeconds(5);
        var call = monitor.ExecuteAsync(command, Ct, limit);
        await ReceivedAsync(name);
        _time.Advance(limit);
        return await Assert.ThrowsAsync<QmpTimeoutException>(() => call.Within());
    }

    private Task ReceivedAsync(string command) => _qemu.ReceivedAsync(command, Ct).Within();

    private static async Task<ImmutableArray<QmpEvent>> ReadEventsAsync(MonitorSession monitor, int count)
    {
        var events = ImmutableArray.CreateBuilder<QmpEvent>();
        while (events.Count < count)
        {
            events.Add(await monitor.Events.ReadAsync(Ct).AsTask().Within());
        }

        return events.ToImmutable();
    }
}
