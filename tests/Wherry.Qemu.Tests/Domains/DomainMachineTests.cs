using Wherry.Qemu.Domains;
using static Wherry.Qemu.Domains.DomainInput;

namespace Wherry.Qemu.Tests.Domains;

/// <summary>Expected lines are what <c>virsh event --all --loop</c> and <c>domstate --reason</c> show on stock libvirt 9.0.</summary>
public class DomainMachineTests
{
    private static readonly DomainInput[] Boot =
        [new Launching(Incoming: false), new CpusStarting(RunningReason.Booted), new CpusStarted(), new Launched(StartedDetail.Booted, null)];

    private static (string Status, string Events) Run(params DomainInput[] inputs)
    {
        var state = DomainRunState.Off;
        var events = new List<string>();
        foreach (var input in inputs)
        {
            var (next, happened) = DomainMachine.Step(state, input);
            state = next;
            events.AddRange(happened.Select(e => $"{e.Type}/{e.Detail}"));
        }
        return (state.Status.ToString(), string.Join(" ", events));
    }

    private static void Check(DomainInput[] inputs, string status, string events) => Assert.Equal((status, events), Run(inputs));

    [Fact]
    public void A_start_resumes_then_is_started() =>
        Check(Boot, "running (Booted)", "Resumed/0 Started/0");

    [Fact]
    public void A_start_paused_is_started_then_suspended() =>
        Check([new Launching(false), new Launched(StartedDetail.Booted, PausedReason.User)], "paused (User)", "Started/0 Suspended/0");

    [Fact]
    public void Reply_and_event_of_one_command_are_one_transition_in_either_order() =>
        Check(
            [.. Boot, new CpusStopping(PausedReason.User), new CpusStopped(), new CpusStopped(),
                new CpusStarting(RunningReason.Unpaused), new CpusStarted(), new CpusStarted()],
            "running (Unpaused)",
            "Resumed/0 Started/0 Suspended/0 Resumed/0");

    [Fact]
    public void A_stop_during_an_outgoing_migration_is_the_migrations() =>
        Check([.. Boot, new MigratingOut(OutgoingMigrationPhase.Precopy), new CpusStopped()], "paused (Migration)", "Resumed/0 Started/0 Suspended/1");

    [Fact]
    public void A_stop_that_enters_postcopy_says_so() =>
        Check([.. Boot, new MigratingOut(OutgoingMigrationPhase.Postcopy), new CpusStopped()], "paused (Postcopy)", "Resumed/0 Started/0 Suspended/7");

    [Fact]
    public void A_user_suspend_during_an_outgoing_migration_stays_the_users() =>
        Check(
            [.. Boot, new MigratingOut(OutgoingMigrationPhase.Precopy), new CpusStopping(PausedReason.User), new CpusStopped()],
            "paused (User)",
            "Resumed/0 Started/0 Suspended/0");

    [Fact]
    public void A_source_that_is_resumed_by_us_or_by_qemu_shows_the_difference()
    {
        DomainInput[] stopped = [.. Boot, new MigratingOut(OutgoingMigrationPhase.Precopy), new CpusStopped()];
        Check([.. stopped, new CpusStarted()], "running (Unpaused)", "Resumed/0 Started/0 Suspended/1 Resumed/0");
        Check(
            [.. stopped, new CpusStarting(RunningReason.MigrationCanceled), new CpusStarted()],
            "running (MigrationCanceled)",
            "Resumed/0 Started/0 Suspended/1 Resumed/1");
    }

    [Fact]
    public void An_incoming_copy_is_started_migrated_and_paused_until_it_runs() =>
        Check(
            [new Launching(Incoming: true), new Launched(StartedDetail.Migrated, PausedReason.Migration),
                new CpusStarting(RunningReason.Migrated), new CpusStarted()],
            "running (Migrated)",
            "Started/1 Resumed/1");

    [Fact]
    public void A_guest_that_powers_off_is_shut_down_then_off_and_its_stop_is_no_pause() =>
        Check(
            [.. Boot, new GuestShutdown(ByGuest: true), new CpusStopped(), new Stopped(ShutoffReason.Shutdown, StoppedDetail.Shutdown)],
            "shut off (Shutdown)",
            "Resumed/0 Started/0 Shutdown/1 Stopped/0");

    [Fact]
    public void A_reboot_by_shutdown_shows_nothing_but_itself() =>
        Check(
            [.. Boot, new RebootRequested(true), new GuestShutdown(null), new CpusStopped(),
                new HardwareReset(), new CpusStarting(RunningReason.Booted), new CpusStarted(), new RebootEnded()],
            "running (Booted)",
            "Resumed/0 Started/0");

    [Fact]
    public void A_power_off_that_the_definition_turns_into_a_restart_shows_nothing_but_the_reboot() =>
        Check(
            [.. Boot, new GuestShutdown(ByGuest: true, Restarts: true), new CpusStopped(),
                new HardwareReset(), new CpusStarting(RunningReason.Booted), new CpusStarted(), new RebootEnded()],
            "running (Booted)",
            "Resumed/0 Started/0");

    [Fact]
    public void A_suspend_while_a_reboot_is_awaited_shows() =>
        Check(
            [.. Boot, new RebootRequested(true), new CpusStopping(PausedReason.User), new CpusStopped(),
                new CpusStarting(RunningReason.Unpaused), new CpusStarted()],
            "running (Unpaused)",
            "Resumed/0 Started/0 Suspended/0 Resumed/0");

    [Fact]
    public void A_reset_by_the_guest_is_the_reboot_that_was_asked_for() =>
        Check(
            [.. Boot, new RebootRequested(true), new HardwareReset(), new GuestShutdown(ByGuest: true)],
            "Shutdown (0)",
            "Resumed/0 Started/0 Shutdown/1");

    [Fact]
    public void A_panic_stops_the_guest_and_then_is_told() =>
        Check([.. Boot, new GuestPanicked(), new CpusStopped()], "Crashed (1)", "Resumed/0 Started/0 Suspended/0 Crashed/0");

    [Fact]
    public void A_crashed_guest_that_is_started_again_runs_because_it_had_crashed() =>
        Check(
            [.. Boot, new GuestPanicked(), new CpusStarting(RunningReason.Crashed), new CpusStarted()],
            "running (Crashed)",
            "Resumed/0 Started/0 Suspended/0 Crashed/0 Resumed/0");

    [Fact]
    public void An_io_error_names_itself_whether_it_comes_before_or_after_stop()
    {
        Check([.. Boot, new StoppedByQemu(PausedReason.IoError), new CpusStopped()], "paused (IoError)", "Resumed/0 Started/0 Suspended/2");
        Check([.. Boot, new CpusStopped(), new StoppedByQemu(PausedReason.IoError)], "paused (IoError)", "Resumed/0 Started/0 Suspended/0");
    }

    [Fact, Trait("req", "S4.10")]
    public void The_second_end_of_a_domain_is_no_event() =>
        Check(
            [.. Boot, new Stopped(ShutoffReason.Destroyed, StoppedDetail.Destroyed), new Stopped(ShutoffReason.Crashed, StoppedDetail.Failed)],
            "shut off (Destroyed)",
            "Resumed/0 Started/0 Stopped/1");

    [Fact]
    public void A_refused_command_leaves_no_reason_behind() =>
        Check(
            [.. Boot, new CpusStopping(PausedReason.Save), new CommandRefused(), new CpusStopped()],
            "paused (Unknown)",
            "Resumed/0 Started/0 Suspended/0");

    [Theory]
    [InlineData(DomainState.Running, 1, true, "running (Booted)")]
    [InlineData(DomainState.Paused, 2, false, "paused (Migration)")]
    [InlineData(DomainState.Paused, 1, true, "running (Unpaused)")]
    [InlineData(DomainState.Paused, 11, true, "running (Booted)")]
    [InlineData(DomainState.Running, 1, false, "paused (Unknown)")]
    public void After_a_daemon_restart_the_recorded_reason_holds_only_if_qemu_agrees(DomainState recorded, int reason, bool run, string expected) =>
        Check([new Reattached(new DomainStatus(recorded, reason), run)], expected, "");

    [Fact]
    public void What_a_guest_did_without_a_daemon_is_learned_from_QEMU_and_no_event_is_made_up()
    {
        var running = DomainStatus.Running(RunningReason.Booted);
        Check([new Reattached(running, false, new DomainStatus(DomainState.Shutdown, 0))], "Shutdown (0)", "");
        Check([new Reattached(running, false, new DomainStatus(DomainState.Crashed, 1))], "Crashed (1)", "");
        Check([new Reattached(running, false, DomainStatus.Paused(PausedReason.IoError))], "paused (IoError)", "");
    }

    [Fact]
    public void A_reboot_that_was_asked_for_before_a_daemon_restart_is_finished_after_it()
    {
        var running = DomainStatus.Running(RunningReason.Booted);
        var off = DomainMachine.Step(
            DomainRunState.Off, new Reattached(running, CpusRun: false, new DomainStatus(DomainState.Shutdown, 0), RebootPending: true)).State;
        Assert.Equal((running, true), (off.Status, off.PoweredOff));
        // Reset already, by a daemon that was killed before it let the CPUs run: to QEMU it is as if they never had.
        var reset = DomainMachine.Step(off, new HardwareReset()).State;
        Assert.True(reset.RebootPending);
        var again = DomainMachine.Step(
            DomainRunState.Off, new Reattached(running, CpusRun: false, DomainStatus.Paused(PausedReason.StartingUp), RebootPending: true)).State;
        Assert.Equal((running, true, true), (again.Status, again.RebootPending, again.PoweredOff));
        var on = DomainMachine.Step(DomainRunState.Off, new Reattached(running, CpusRun: true, RebootPending: true)).State;
        Assert.Equal((true, false), (on.RebootPending, on.PoweredOff));
    }

    [Fact]
    public void Every_input_has_an_answer_in_every_state()
    {
        DomainInput[] inputs =
        [
            new Defined(DefinedDetail.Added), new Undefined(), new Launching(false), new Launched(StartedDetail.Booted, null),
            new CpusStarting(RunningReason.Booted), new CpusStarted(), new CpusStopping(PausedReason.User), new CpusStopped(),
            new CommandRefused(), new MigratingOut(OutgoingMigrationPhase.Precopy), new StoppedByQemu(PausedReason.Watchdog),
            new StatusSet(DomainStatus.Paused(PausedReason.User), null), new GuestShutdown(null), new RebootRequested(true), new HardwareReset(), new RebootEnded(),
            new GuestPanicked(), new SuspendedToMemory(), new SuspendedToDisk(), new WokeUp(),
            new Stopped(ShutoffReason.Failed, StoppedDetail.Failed), new Reattached(DomainStatus.Running(RunningReason.Booted), true),
        ];
        // Whoever adds a case must add it here, and so to the table.
        Assert.Equal(typeof(DomainInput).GetNestedTypes().Length, inputs.Select(i => i.GetType()).Distinct().Count());
        foreach (var state in Enum.GetValues<DomainState>())
            foreach (var input in inputs)
                DomainMachine.Step(new DomainRunState(new DomainStatus(state, 0)), input);
    }
}
