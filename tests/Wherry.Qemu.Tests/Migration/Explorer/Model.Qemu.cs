using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>The two QEMUs as measured on 7.2 (migration.md B2, B8, B9), and the client of a managed migration.</summary>
internal sealed partial class Model
{
    private void ExpandQemu(in World world, Successors to)
    {
        var stream = (StreamStatus)world.Stream;
        bool sourceAlive = IsAlive(world.SourceQemu);
        bool peers = world.DestinationAttempt == world.Attempt;
        bool peerAlive = peers && IsAlive(world.DestinationQemu);

        if (sourceAlive && stream == StreamStatus.Active)
        {
            if (peerAlive)
            {
                var stopped = world;
                stopped.SourceQemu = Vcpus.Stopped;
                stopped.Stream = (byte)StreamStatus.PreSwitchover;
                to.Add(stopped, Luck.Fair, "source QEMU stops in pre-switchover");
            }
            StreamFails(world, peerAlive ? Luck.Fault : Luck.Fair, to);
        }
        if (sourceAlive && stream == StreamStatus.Device)
        {
            if (peerAlive && world.DestinationQemu is Vcpus.Stopped or Vcpus.Running)
            {
                var completed = world;
                completed.Stream = (byte)StreamStatus.Completed;
                to.Add(completed, Luck.Fair, "source QEMU: completed");
            }
            StreamFails(world, peerAlive ? Luck.Fault : Luck.Fair, to);
        }

        ExpandPostCopy(world, sourceAlive, peerAlive, to);

        if (world.DestinationQemu == Vcpus.Incoming)
        {
            bool sent = (world.StreamSent >> world.DestinationAttempt & 1) != 0;
            bool broken = !peers || !sourceAlive || stream is StreamStatus.Failed or StreamStatus.Cancelled or StreamStatus.PostCopyPaused;
            if (sent)
            {
                // F40: it loads what is on the wire even if the source has cancelled meanwhile.
                var loaded = world;
                loaded.DestinationQemu = Vcpus.Stopped;
                to.Add(loaded, Luck.Fair, "destination QEMU: completed");
            }
            if (broken && (!sent || world.Owed))
            {
                var exited = world;
                exited.DestinationQemu = Vcpus.Dead;
                to.Add(exited, Luck.Fair, "destination QEMU exits, the stream broke");
            }
        }
        KillQemus(world, to);
        FenceSource(world, to);
        ReturnSource(world, to);
        if (!_scenario.Fencing || world.Fenced || world.Source.State == 0 || _sourceSteps.States[world.Source.State] is not SourceState.Handed) return;
        var fenced = world;
        fenced.Fenced = fenced.DestinationKilled = true;
        fenced.Destination = new Daemon { Record = world.Destination.Record };
        fenced.DestinationQemu = Vcpus.Dead;
        to.Add(fenced, Luck.Fault, "the operator powers the destination host off, for good");
    }

    private void FenceSource(in World world, Successors to)
    {
        if (!_scenario.FencingOfSource || world.SourceFenced || _scenario.Without == Ablation.FencingIsProved) return;
        if (_scenario.SourceReturns && world.SourceKilled) return;
        var fenced = world;
        fenced.SourceFenced = fenced.SourceKilled = true;
        fenced.Source = new Daemon { Record = world.Source.Record };
        fenced.SourceQemu = Vcpus.Dead;
        fenced.ClientAlive = false;
        to.Add(fenced, Luck.Fault, "the operator powers the source host off, for good");
    }

    private void ReturnSource(in World world, Successors to)
    {
        if (!_scenario.SourceReturns) return;
        if (world.SourceFenced)
        {
            var back = world;
            back.SourceFenced = false;
            to.Add(back, Luck.Fair, "the source host is switched on again");
        }
        else if (world.SourceQemu == Vcpus.Dead && world.Source is { Up: true, Effects: 0 } && HasClosedRecord(world)
            && _sourceSteps.States[world.Source.State] is SourceState.Closed { Outcome: MigrationOutcome.StayedOnSource })
        {
            // The guard of the shell, which asks as the machine does.
            if (_sourceRecords[world.Source.Record].FarewellOwed && !world.Has(world.Attempt, Message.Abort))
            {
                if (world.Has(world.Attempt, Message.Withdraw)) return;
                var asked = world;
                asked.Send(world.Attempt, Message.Withdraw);
                to.Add(asked, Luck.Fair, "source asks whether the farewell it owes is needed");
                return;
            }
            var started = world;
            started.SourceQemu = Vcpus.Running;
            if (world.DestinationQemu == Vcpus.Running) to.Break("DUP", "the user starts a guest that runs at the destination");
            to.Add(started, Luck.Fault, "the user starts the guest anew at the source");
        }
    }

    /// <summary>B6. From `device` on the destination has all that it needs to run; the rest of the memory follows, or waits for a connection.</summary>
    private void ExpandPostCopy(in World world, bool sourceAlive, bool peerAlive, Successors to)
    {
        if (!_scenario.PostCopy || !sourceAlive) return;
        var next = world;
        switch ((StreamStatus)world.Stream)
        {
            case StreamStatus.Device when peerAlive:
                next.Stream = (byte)StreamStatus.PostCopyActive;
                next.Owed = true;
                to.Add(next, Luck.Fair, "source QEMU: post-copy");
                break;
            case StreamStatus.PostCopyActive:
                var broken = world;
                broken.Stream = (byte)StreamStatus.PostCopyPaused;
                to.Add(broken, peerAlive ? Luck.Fault : Luck.Fair, "source QEMU: post-copy paused");
                if (!peerAlive || world.DestinationQemu == Vcpus.Incoming) break;
                next.Stream = (byte)StreamStatus.Completed;
                next.Owed = false;
                to.Add(next, Luck.Fair, "source QEMU: post-copy completed");
                break;
            case StreamStatus.PostCopyPaused when peerAlive && world.Has(world.Attempt, Message.Listening) && world.Source is { Up: true, Effects: 0 } &&
                _sourceSteps.States[world.Source.State] is SourceState.PostCopy { Stage: PostCopyStage.Recovering }:
                next.Stream = (byte)StreamStatus.PostCopyActive;
                next.Take(world.Attempt, Message.Recover);
                next.Take(world.Attempt, Message.Listening);
                to.Add(next, Luck.Fair, "both QEMUs: post-copy recovered");
                break;
        }
    }

    /// <summary>The data link breaks, or the other QEMU died. Before `completed` the source QEMU resumes the guest by itself.</summary>
    private void StreamFails(in World world, Luck luck, Successors to)
    {
        var failed = world;
        failed.Stream = (byte)StreamStatus.Failed;
        ResumeByItself(ref failed, to);
        to.Add(failed, luck, "source QEMU: failed");
    }

    private void ResumeByItself(ref World world, Successors to)
    {
        if (_scenario.PreState == GuestRunState.Running) SourceRuns(ref world, to);
    }

    private void KillQemus(in World world, Successors to)
    {
        if (!_scenario.QemuKills) return;
        if (IsAlive(world.SourceQemu) && !world.SourceKilled)
        {
            var next = world;
            next.SourceQemu = Vcpus.Dead;
            next.SourceKilled = true;
            to.Add(next, Luck.Fault, "source QEMU: SIGKILL");
        }
        if (IsAlive(world.DestinationQemu) && !world.DestinationKilled)
        {
            var next = world;
            next.DestinationQemu = Vcpus.Dead;
            next.DestinationKilled = true;
            to.Add(next, Luck.Fault, "destination QEMU: SIGKILL");
        }
    }

    /// <summary>A client that may do anything libvirt's could, at any time, and may vanish.</summary>
    private void ExpandClient(in World world, Successors to)
    {
        if (_scenario.Mode != MigrationMode.Managed) return;
        bool sourceListens = world.Source is { Up: true, Effects: 0 };
        if (!world.ClientAlive)
        {
            if (sourceListens) FeedSource(world, new SourceInput.ClientGone(), Luck.Fair, to);
            return;
        }
        var gone = world;
        gone.ClientAlive = false;
        to.Add(gone, Luck.Fault, "client: gone");

        ClientSends(world, Message.Cancel, Luck.Fault, to);
        if (world.PerformAnswered) ClientSends(world, Message.Finish, Luck.Fair, to);
        if (!sourceListens) return;
        if (world.Has(world.Attempt, Message.PrepareDone)) FeedSource(world, new SourceInput.PerformCalled(PeerKind.Wherry), Luck.Fair, to);
        if (world.Has(world.Attempt, Message.PrepareError)) FeedSource(world, new SourceInput.ConfirmCalled(Cancelled: true), Luck.Fair, to);
        if (!world.PerformAnswered) return;
        FeedSource(world, new SourceInput.ConfirmCalled(Cancelled: true), Luck.Fault, to);
        if (world.Has(world.Attempt, Message.Run)) FeedSource(world, new SourceInput.ConfirmCalled(Cancelled: false), Luck.Fair, to);
    }

    private static void ClientSends(in World world, Message message, Luck luck, Successors to)
    {
        if (world.Has(world.Attempt, message)) return;
        var next = world;
        next.Send(world.Attempt, message);
        to.Add(next, luck, "client sends", message);
    }
}
