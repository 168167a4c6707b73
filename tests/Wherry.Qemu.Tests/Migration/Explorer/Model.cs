using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Tests.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>
/// The world around the two machines: everything that can happen next in a given state.
/// <code>
///   [source daemon] --messages (a set)--> [destination daemon]      each daemon: machine state, rest of the effects, mailbox, timers, record
///        |   one effect at a time, crash in between  |
///   [source QEMU] ==== stream, once sent it may arrive ====> [destination QEMU]
///   client (managed), users, faults: whenever they like, within the budgets of the scenario
/// </code>
/// The machines are the shipped ones, called through <see cref="Steps{TState, TInput, TEffect}"/>. Durations do not matter: an armed timer may fire at once or
/// late. Texts and retry counts are blurred, since no machine branches on them.
/// </summary>
internal sealed partial class Model
{
    private static readonly MigrationLimits Limits = new() { ContTries = 2 };
    private static readonly Failure AnyFailure = Alphabet.AnyFailure;

    private readonly Scenario _scenario;
    private readonly HandoverId[] _ids;

    public Model(Scenario scenario)
    {
        _scenario = scenario;
        _ids = [.. Enumerable.Range(0, scenario.Attempts + 1).Select(i => new HandoverId(new Guid(i, 0, 0, new byte[8])))];
        _sourceAlphabet = [.. _ids.Skip(1).SelectMany(Alphabet.Source).Distinct()];
        _destinationAlphabet = [.. _ids.Skip(1).SelectMany(id => Alphabet.Destination(id, scenario.PreState == GuestRunState.Paused)).Distinct()];
    }

    /// <summary>The guest runs at the source and its first migration begins.</summary>
    public World Initial(Successors breaks)
    {
        var world = new World { SourceQemu = _scenario.PreState == GuestRunState.Running ? Vcpus.Running : Vcpus.Stopped };
        world.Source.Up = world.Destination.Up = true;
        BeginAttempt(ref world, 1, breaks);
        return world;
    }

    public void Expand(in World world, Successors to)
    {
        ExpandSource(world, to);
        ExpandDestination(world, to);
        ExpandQemu(world, to);
        ExpandClient(world, to);
        if (MayBeginAgain(world))
        {
            var next = world;
            BeginAttempt(ref next, world.Attempt + 1, to);
            to.Add(next, Luck.Fault, "the operator migrates again");
        }
    }

    /// <summary>
    /// Worlds that differ only in what can never matter again become one: results and timers that every state still reachable ignores, the reply of
    /// a Prepare that nobody waits for, a machine whose answers are those for an unknown id.
    /// </summary>
    public World Canonical(in World world)
    {
        var same = world;
        if (world.Source.State != 0)
        {
            var (inbox, timers) = SourceCaresFor(world.Source.State);
            same.Source.Inbox &= inbox;
            same.Source.Timers &= timers;
        }
        if (world.Destination.State != 0)
        {
            var (inbox, timers) = DestinationCaresFor(world.Destination.State);
            same.Destination.Inbox &= inbox;
            same.Destination.Timers &= timers;
        }
        if (world.Source.State == 0 || _sourceSteps.States[world.Source.State] is not (SourceState.Begun or SourceState.Preparing))
        {
            same.Take(world.Attempt, Message.PrepareDone);
            same.Take(world.Attempt, Message.PrepareError);
        }
        if (world.Destination is { Up: true, Effects: 0, Record: 0 } &&
            (world.Destination.State == 0 || _destinationSteps.States[world.Destination.State] is DestinationState.Aborted))
        {
            same.Destination = new Daemon { Up = true, Crashes = world.Destination.Crashes, JournalFailures = world.Destination.JournalFailures };
            if (!IsAlive(world.DestinationQemu)) same.DestinationQemu = Vcpus.None;
        }
        return same;
    }

    /// <summary>Both daemons have nothing left to do, and there is one guest (or a fault killed a QEMU).</summary>
    public bool IsSettled(in World world)
    {
        if (world.SourceFenced) return IsSettledWithoutSource(world);
        if (!world.Source.Up || (!world.Destination.Up && !world.Fenced) || world.Source.Effects != 0 || world.Destination.Effects != 0) return false;
        if (IsLostInPostCopy(world)) return true;
        if (_sourceSteps.States[world.Source.State] is not SourceState.Closed || !HasClosedRecord(world)) return false;
        if (world.Fenced) return IsAlive(world.SourceQemu) || world.SourceKilled || world.Ever;
        if (world.Destination.State != 0 && _destinationSteps.States[world.Destination.State]
            is not (DestinationState.Aborted or DestinationState.Forgotten or DestinationState.Running)) return false;
        return world.SourceKilled || world.DestinationKilled || HasOneOwner(world);
    }

    /// <summary>The destination runs the guest, or has given up what it could not run.</summary>
    private bool IsSettledWithoutSource(in World world) => world.Destination is { Up: true, Effects: 0 } &&
        (world.Destination.State == 0 || _destinationSteps.States[world.Destination.State]
            is DestinationState.Aborted or DestinationState.Forgotten or DestinationState.Running);

    /// <summary>
    /// What QEMU leaves no way out of, each by two faults at least: the destination's QEMU died with the newest memory, or it never ran the guest and the
    /// connection was gone when it gave up. The source's copy is kept, and a person has been told.
    /// </summary>
    private bool IsLostInPostCopy(in World world) => _sourceSteps.States[world.Source.State] switch
    {
        SourceState.PostCopy { Stage: PostCopyStage.Lost } => !IsAlive(world.DestinationQemu),
        SourceState.Closed => HasClosedRecord(world) && (StreamStatus)world.Stream == StreamStatus.PostCopyPaused && !world.Ever && world.SourceQemu == Vcpus.Stopped,
        _ => false,
    };

    /// <summary>The names of the two machines' states, with their stages; none for a machine that is not there.</summary>
    public IEnumerable<string> NamesOf(ushort source, ushort destination)
    {
        if (source != 0) yield return Name(_sourceSteps.States[source]);
        if (destination != 0) yield return Name(_destinationSteps.States[destination]);
    }

    private static string Name(SourceState state) => state switch
    {
        SourceState.Handed s => $"Handed/{s.Wait}",
        SourceState.PostCopy s => $"PostCopy/{s.Stage}",
        SourceState.Reclaiming s => $"Reclaiming/{s.Stage}",
        SourceState.Released s => $"Released/{s.Stage}",
        _ => state.GetType().Name,
    };

    private static string Name(DestinationState state) => state switch
    {
        DestinationState.Committing s => $"Committing/{s.Stage}",
        DestinationState.Starting s => $"Starting/{s.Stage}",
        DestinationState.Aborting s => $"Aborting/{s.Stage}",
        _ => state.GetType().Name,
    };

    private bool HasOneOwner(in World world)
    {
        if (_scenario.PreState == GuestRunState.Running)
            return (world.SourceQemu == Vcpus.Running) != (world.DestinationQemu == Vcpus.Running);
        bool atSource = world.SourceQemu == Vcpus.Stopped;
        bool atDestination = world.DestinationQemu == Vcpus.Stopped && world.Ever;
        return atSource != atDestination;
    }

    private bool HasClosedRecord(in World world) => world.Source.Record != 0 && _sourceRecords[world.Source.Record].Phase == SourcePhase.Closed;

    private bool MayBeginAgain(in World world) => world.Attempt < _scenario.Attempts && world.Source is { Up: true, Effects: 0 } &&
        _sourceSteps.States[world.Source.State] is SourceState.Closed && HasClosedRecord(world) && world.SourceQemu == UserWants;

    private Vcpus UserWants => _scenario.PreState == GuestRunState.Running ? Vcpus.Running : Vcpus.Stopped;

    private void BeginAttempt(ref World world, int attempt, Successors breaks)
    {
        world.Attempt = (byte)attempt;
        world.Stream = (byte)StreamStatus.None;
        world.Owed = false;
        world.ClientAlive = _scenario.Mode == MigrationMode.Managed;
        world.PerformAnswered = false;
        world.SourceWentOn = false;
        var step = SourceMachine.Begin(new SourceAttempt
        {
            Id = _ids[attempt],
            Mode = _scenario.Mode,
            PreState = _scenario.PreState,
            CopiesDisks = _scenario.CopiesDisks,
            MayPostCopy = _scenario.PostCopy,
            Limits = Limits,
        });
        world.Source.Inbox = 0;
        world.Source.Timers = 0;
        world.Source.Asked = false;
        AdoptSource(ref world, _sourceSteps.Number(step.Next, step.Effects));
    }

    // ---- the acts that the invariants are about ---------------------------------------------------------------------------------

    private static void SourceRuns(ref World world, Successors to)
    {
        world.SourceQemu = Vcpus.Running;
        if (world.DestinationQemu == Vcpus.Running) to.Break("DUP", "both QEMUs run the guest");
        if (world.Ever) to.Break("ROLLBACK", "the source runs again although the destination ran");
        if ((world.StreamSent >> world.Attempt & 1) != 0) world.SourceWentOn = true;
    }

    private static void DestinationRuns(ref World world, Successors to)
    {
        world.DestinationQemu = Vcpus.Running;
        world.Ever = true;
        if (world.SourceWentOn) to.Break("ROLLBACK", "the destination runs what the source went on from");
        if (world.SourceQemu == Vcpus.Running) to.Break("DUP", "both QEMUs run the guest");
    }

    private static void KillSource(ref World world, Successors to)
    {
        if (world.SourceQemu != Vcpus.Dead && !world.Ever && !world.Unknown) to.Break("LOST", "the source copy is killed before the destination ran");
        if (world.Owed && IsAlive(world.SourceQemu) && IsAlive(world.DestinationQemu))
            to.Break("LOST", "the source copy is killed with memory that the destination lacks");
        world.SourceQemu = Vcpus.Dead;
    }

    private static void KillDestination(ref World world, Successors to)
    {
        if (world.DestinationQemu is Vcpus.None or Vcpus.Dead) return;
        // One that waits for a stream of which nothing was sent is no copy: the late Prepare of an attempt long over starts such a QEMU.
        bool isCopy = world.DestinationQemu != Vcpus.Incoming || (world.StreamSent >> world.DestinationAttempt & 1) != 0;
        if (isCopy && world.SourceQemu == Vcpus.Dead && !world.SourceKilled) to.Break("LOST", "the last copy is killed at the destination");
        world.DestinationQemu = Vcpus.Dead;
    }

    /// <summary>A message counts for this attempt, or (NO_ID) for whatever attempt there is.</summary>
    private bool Delivers(in World world, int attempt, Message message)
    {
        if (_scenario.Without != Ablation.NoId) return world.Has(attempt, message);
        for (int any = 1; any <= _scenario.Attempts; any++)
        {
            if (world.Has(any, message)) return true;
        }
        return false;
    }

    private int AttemptOf(HandoverId id) => Array.IndexOf(_ids, id);
}
