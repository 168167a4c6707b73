using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.State;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>
/// Whole migrations of a guest with four disks, from the call to the closed record, whose mirrors become ready and end in every order and at
/// every moment of the daemon's work that has ever been a trap. libvirt 3.2 waited for ever when two completions came 2 ms apart, the
/// second while it was reading the first.
/// <code>
///   a look:   query-migrate   query-block-jobs   query-jobs   judge   wait
///                                              ^            ^       ^      ^
///                                   BetweenQueries   BehindLook   AllBehindOneLook   WhileWaiting
/// </code>
/// </summary>
public sealed class CompletionOrderTests(ProbedEmulators emulators, ITestOutputHelper output) : IClassFixture<ProbedEmulators>
{
    private static readonly ImmutableArray<string> Disks = ["vda", "vdb", "vdc", "vdd"];

    /// <summary>When a mirror becomes ready, or ends.</summary>
    public enum Moment
    {
        /// <summary>As soon as it may: its events come before the reply of the command that caused them.</summary>
        BeforeReply,

        /// <summary>Each one after the daemon has looked and gone back to its wait.</summary>
        WhileWaiting,

        /// <summary>The first while the daemon waits, each other one between two queries of a look.</summary>
        BetweenQueries,

        /// <summary>The first while the daemon waits, each other one when the last answer of a look is on its way and does not tell yet.</summary>
        BehindLook,

        /// <summary>The first while the daemon waits, all others behind the one look that it causes: no further event follows.</summary>
        AllBehindOneLook,

        /// <summary>All at once; only their events come in this order, and late.</summary>
        EventsOnly,
    }

    public static TheoryData<string> Orders => [.. Permutations(Disks).Select(order => string.Join(' ', order))];

    [Theory]
    [Trait("req", "S0.1")]
    [Trait("req", "S0.14")]
    [Trait("req", "S0.17")]
    [Trait("req", "S0.18")]
    [Fault(54)]
    [MemberData(nameof(Orders))]
    public async Task A_guest_with_four_disks_has_moved_whatever_the_order_and_the_moment_in_which_its_mirrors_end(string order)
    {
        foreach (var moment in Enum.GetValues<Moment>())
            await MoveAsync([.. order.Split(' ').Select(disk => $"drive-virtio-disk{Disks.IndexOf(disk)}")], moment, TestContext.Current.CancellationToken);
    }

    private async Task MoveAsync(ImmutableArray<string> order, Moment moment, CancellationToken ct)
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, Disks.Length, ct);
        try
        {
            var source = hosts.Source;
            var mirrors = new MirrorSchedule(hosts, order, moment);
            var moved = hosts.MigrateAsync(ct);
            var scheduled = mirrors.RunAsync(ct);
            await moved.Within(what: $"the migration whose mirrors end {moment}: {string.Join(' ', order)}");
            await scheduled.Within();
            await SimulatedHost.LetGoOfAsync(hosts.Guest, ct);

            // The order is the one that was asked for, as clients see it.
            Assert.Equal(order, EndsSeenBy(hosts.Alpha));

            // One guest, and it runs at bravo; alpha's last word is on its disk, bravo has been told to forget.
            Assert.True(source.Process.Exited.IsCompleted);
            Assert.True(hosts.Destination.Running);
            Assert.Equal(DomainStatus.Running(RunningReason.Migrated), hosts.Bravo.Driver.Domains.Find(hosts.Guest.Uuid)?.Snapshot.Status);
            Assert.Null(hosts.Alpha.Driver.Domains.Find(hosts.Guest.Uuid));
            Assert.IsType<MigrationOutcome.Moved>(Assert.Single(hosts.Alpha.Records).Source?.Outcome);
            Assert.Empty(hosts.Bravo.Records);
        }
        catch
        {
            output.WriteLine($"{moment}, {string.Join(' ', order)}\n{hosts.Story()}");
            throw;
        }
    }

    private static IEnumerable<string?> EndsSeenBy(SimulatedHost host) => host.Events.OfType<DomainEvent.Monitor>()
        .Where(happened => happened.Name == "BLOCK_JOB_COMPLETED")
        .Select(happened => JsonDocument.Parse(happened.Data!).RootElement.GetProperty("device").GetString()); // ! : this event has data

    private static IEnumerable<string[]> Permutations(IEnumerable<string> items) => items.Any()
        ? items.SelectMany(first => Permutations(items.Where(item => item != first)).Select(rest => (string[])[first, .. rest]))
        : [[]];

    /// <summary>Makes the mirrors of the source's QEMU ready in the opposite order, and lets them end in the order, at the moment.</summary>
    private sealed class MirrorSchedule
    {
        private readonly VersionedState<int> _answers = new(0);
        private readonly VersionedState<int> _looks = new(0);
        private readonly ManualTimeProvider _clock;
        private readonly ImmutableArray<Turns> _phases;

        public MirrorSchedule(TwoHosts hosts, ImmutableArray<string> order, Moment moment)
        {
            var qemu = hosts.Source;
            _clock = hosts.Alpha.Clock;
            if (moment == Moment.EventsOnly)
            {
                qemu.Events.EndJobsInOrder(order);
                _phases = [];
                return;
            }

            qemu.HoldMirrors = true;
            qemu.HoldMirrorEnds = true;
            _phases =
            [
                new Turns([.. order.Reverse()], moment, "blockdev-mirror", () => qemu.CopyingMirrors, qemu.MakeMirrorReady),
                new Turns(order, moment, "block-job-cancel", () => qemu.EndingMirrors, qemu.EndMirror),
            ];
            qemu.BeforeReply = command =>
            {
                foreach (var phase in _phases)
                    phase.BeforeReply(command);
            };
            qemu.AfterReply = command =>
            {
                _answers.Update(count => count + 1);
                if (command == "query-jobs")
                    _looks.Update(count => count + 1);
            };
        }

        public async Task RunAsync(CancellationToken ct)
        {
            foreach (var phase in _phases)
            {
                await _answers.WaitAsync(_ => phase.AllCanGo, ct);
                while (phase.TakesTurnsWhileWaiting)
                {
                    await _clock.WaitForTimerAsync(Lookout.LookInterval);
                    var seen = _looks.Current;
                    FakeQemu.AtOnce(phase.Next);
                    await _looks.WaitAsync(count => count > seen, ct);
                }
            }
        }
    }

    /// <summary>Four mirrors that do one thing, one after the other. Called under the simulated QEMU's lock.</summary>
    private sealed class Turns(ImmutableArray<string> order, Moment moment, string command, Func<IReadOnlyList<string>> able, Action<string> go)
    {
        private volatile int _next;

        public bool AllCanGo => _next > 0 || able().Count == order.Length;

        public bool TakesTurnsWhileWaiting => _next < (moment == Moment.WhileWaiting ? order.Length : moment == Moment.BeforeReply ? 0 : 1);

        public void Next() => go(order[_next++]);

        public void BeforeReply(string answered)
        {
            switch (moment)
            {
                case Moment.BeforeReply when answered == command:
                    while (_next < order.Length && able().Contains(order[_next]))
                        Next();

                    break;
                case Moment.BetweenQueries when answered == "query-block-jobs" && _next > 0 && _next < order.Length:
                case Moment.BehindLook when answered == "query-jobs" && _next > 0 && _next < order.Length:
                    Next();
                    break;
                case Moment.AllBehindOneLook when answered == "query-jobs" && _next > 0:
                    while (_next < order.Length)
                        Next();

                    break;
            }
        }
    }
}
