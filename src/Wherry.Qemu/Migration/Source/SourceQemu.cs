using System.Collections.Immutable;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.State;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Values;
using QmpParameters = Wherry.Qmp.Commands.MigrationParameters;

namespace Wherry.Qemu.Migration.Source;

/// <summary>
/// The source's conversation with its QEMU (migration.md B1-B3, B8). Commands go out; what came of them is read from queries.
/// </summary>
/// <remarks>
/// <code>
///   Lookout ──► look: query-migrate, query-jobs, query-block-jobs ──► observation (versioned) ──► waits, progress
/// </code>
/// Events only say "look". So a lost, doubled or late event, or one that comes between a look and a wait, changes nothing
/// (requirements S0.14, S0.17, S0.18).
/// </remarks>
internal sealed partial class SourceQemu : IAsyncDisposable
{
    private static readonly TimeSpan TidiedWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CancelWhileConnecting = TimeSpan.FromSeconds(2);
    private const int YankTries = 3;

    private readonly QemuInstance _qemu;
    private readonly TimeProvider _time;
    private readonly Action<SourceObservation> _observed;
    private readonly VersionedState<SourceObservation> _observation = new(SourceObservation.None);
    private readonly CancellationTokenSource _ending = new();
    private readonly SemaphoreSlim _oneLook = new(1, 1); // so that no look is published after a later one
    private Task _looking = Task.CompletedTask;
    private ImmutableArray<MirroredDisk> _mirrors = [];
    private bool _streamStarted;

    /// <param name="qemu">The running QEMU.</param>
    /// <param name="time">For the look interval.</param>
    /// <param name="observed">Told of every look, in order.</param>
    public SourceQemu(QemuInstance qemu, TimeProvider time, Action<SourceObservation> observed)
    {
        _qemu = qemu;
        _time = time;
        _observed = observed;
    }

    private MonitorSession Monitor => _qemu.Monitor;

    /// <summary>What cannot be migrated at all, by QEMU's own word.</summary>
    /// <exception cref="WherryException">OperationInvalid with QEMU's reasons.</exception>
    public static async Task RequireUnblockedAsync(QemuInstance qemu, CancellationToken ct)
    {
        var info = await qemu.Monitor.ExecuteAsync(new QueryMigrate(), ct);
        if (info.BlockedReasons is { IsDefaultOrEmpty: false } reasons)
            throw new WherryException(ErrorCode.OperationInvalid, $"cannot migrate domain: {string.Join("; ", reasons)}");

        // QEMU cannot be talked out of a connect, and takes neither settings nor another migration until that is over.
        var earlier = StreamStatuses.Of(info.Status);
        if (info.Status == MigrationStatus.Setup || (earlier != StreamStatus.None && !StreamStatuses.HasEnded(earlier)))
        {
            throw new WherryException(
                ErrorCode.OperationInvalid,
                $"cannot migrate domain: QEMU has not ended an earlier migration of it, which is '{info.Status}'; one that cannot connect takes some two minutes");
        }

        // A guest that its user has paused stays so when its migration is given up, and QEMU then sends nothing of it until it has run (B2).
        if ((await qemu.Monitor.ExecuteAsync(new QueryStatus(), ct)).Status == RunState.Postmigrate)
        {
            throw new WherryException(
                ErrorCode.OperationInvalid,
                "cannot migrate domain: it was paused when an earlier migration of it was given up, and QEMU migrates it again only when it has run; resume it first");
        }

        if (!(await qemu.Monitor.ExecuteAsync(new QueryJobs(), ct)).IsEmpty)
            throw new WherryException(ErrorCode.OperationInvalid, "domain has active block job");
    }

    /// <summary>Starts to copy the disks and waits until every one has been copied once and the rest is small.</summary>
    /// <param name="order">What and how.</param>
    /// <param name="largestBacklogBytes">What may be left when the guest is stopped.</param>
    /// <param name="ct">Stops waiting.</param>
    /// <returns>Ready or Broken.</returns>
    public async Task<MirrorVerdict> MirrorAsync(MirrorOrder order, ulong largestBacklogBytes, CancellationToken ct)
    {
        _mirrors = order.Disks;
        if (order.Tls is { } tls)
            await tls.AddAsync(Monitor, MigrationParty.Source, ct);

        var changesMode = await ChangesModeAsync(ct);
        foreach (var disk in order.Disks)
        {
            try
            {
                await AddMirrorAsync(order, disk, CopyMethod.Of(disk.IsRaw, order.TopLayerOnly, changesMode), ct);
            }
            catch (QmpErrorException e)
            {
                throw new WherryException(ErrorCode.OperationFailed, $"disk {disk.Target}: {e.Message}", inner: e);
            }
        }

        Look();
        var seen = await _observation.WaitAsync(
            o => o.Mirrors.Length > 0 && Verdict(o, finishing: false) switch
            {
                MirrorVerdict.Copying => false,
                MirrorVerdict.Ready ready => ready.BacklogBytes <= largestBacklogBytes,
                _ => true,
            },
            ct);
        return Verdict(seen, finishing: false);
    }

    /// <summary>Changes how fast the disks are copied. What the guest writes goes along whatever the limit.</summary>
    /// <param name="bytesPerSecond">0 for no limit.</param>
    /// <param name="ct">Stops waiting.</param>
    public async Task LimitMirrorsAsync(long bytesPerSecond, CancellationToken ct)
    {
        foreach (var disk in _mirrors)
            await IgnoreGoneAsync(Monitor.ExecuteAsync(new BlockJobSetSpeed(disk.JobId, bytesPerSecond), ct));
    }

    /// <summary>Ends the copies of a stopped guest: softly, so that only what is complete ends well (rule 7).</summary>
    /// <returns>Finished or Broken.</returns>
    public async Task<MirrorVerdict> DrainAsync(CancellationToken ct)
    {
        foreach (var disk in _mirrors)
        {
            try
            {
                await Monitor.ExecuteAsync(new BlockJobCancel(disk.JobId), ct);
            }
            catch (QmpErrorException)
            {
                // It has ended by itself, or its target has failed. Which, the jobs tell.
            }

            FaultPoint.Reached("src.cancel.sent");
        }

        var seen = await _observation.WaitAsync(
            o => Verdict(o, finishing: true) is MirrorVerdict.Finished or MirrorVerdict.Broken, ct);
        return Verdict(seen, finishing: true);
    }

    /// <summary>Sends the guest's memory; returns once QEMU has begun.</summary>
    /// <param name="uri">Where the destination's QEMU listens.</param>
    /// <param name="settings">Limits of this migration.</param>
    /// <param name="tls">Credentials; null for a stream in the clear.</param>
    /// <param name="ct">Stops waiting.</param>
    public async Task SendAsync(MigrationUri uri, StreamSettings settings, MigrationTls? tls, CancellationToken ct)
    {
        if (tls is not null && _mirrors.IsEmpty) // the mirrors have them already
            await tls.AddAsync(Monitor, MigrationParty.Source, ct);

        await StreamConfiguration.ApplyAsync(Monitor, MigrationParty.Source, settings, tls is null ? null : MigrationTls.CredentialsId, ct);
        await Monitor.ExecuteAsync(new Migrate(uri.ToQemu()), ct);
        Volatile.Write(ref _streamStarted, true);
        Look();

        // All that QEMU said of it may have been looked at already, and taken for an earlier attempt's.
        await LookNowAsync(ct);
    }

    /// <summary>Waits until the stream has a connection, or has none and never will.</summary>
    /// <returns>True: memory flows.</returns>
    public async Task<bool> FlowsAsync(CancellationToken ct) => (await _observation.WaitAsync(o => o.Stream != StreamStatus.None, ct)).Stream == StreamStatus.Active;

    /// <summary>A stream that another daemon started, or of which the last word is to be told again.</summary>
    public async Task FollowAsync(CancellationToken ct)
    {
        Volatile.Write(ref _streamStarted, true);
        Look();
        await LookNowAsync(ct);
    }

    /// <summary>Asks QEMU to stop the guest here and let the destination fetch what is left. Which state that leads to, the stream tells.</summary>
    public Task StartPostCopyAsync(CancellationToken ct) => Monitor.ExecuteAsync(new MigrateStartPostcopy(), ct);

    /// <summary>Breaks the connection of a post-copy; both QEMUs wait for another one.</summary>
    public Task PausePostCopyAsync(CancellationToken ct) => Monitor.ExecuteOutOfBandAsync(new MigratePause(), ct);

    /// <summary>Takes a paused post-copy up again over another connection, and returns when memory flows or has all gone.</summary>
    /// <remarks>
    /// The connection is made here: QEMU 7.2 tells nobody that it could not make one, and takes a second `migrate resume` while it still tries for a
    /// new migration. And a destination of that version dies, and the guest with it, if a connection ends that it has accepted and on which
    /// nothing was resumed. So there is none before this QEMU has paused, and none is given up once it is there.
    /// </remarks>
    /// <exception cref="WherryException">OperationFailed: there is no connection, or it broke at once. QEMU waits as before.</exception>
    public async Task RecoverPostCopyAsync(MigrationUri uri, CancellationToken ct)
    {
        await Lookout.UntilAsync(
            _qemu, _time, async t => StreamStatuses.Of((await Monitor.ExecuteAsync(new QueryMigrate(), t)).Status) == StreamStatus.PostCopyPaused, ct);

        // Over a descriptor QEMU does not know whom it is connected to, and has to be told whose certificate it will see.
        var now = await Monitor.ExecuteAsync(new QueryMigrateParameters(), ct);
        if (now is { TlsCreds: { Length: > 0 }, TlsHostname: null or "" })
            await Monitor.ExecuteAsync(new MigrateSetParameters(new QmpParameters { TlsHostname = uri.Host }), ct);

        const string descriptor = "postcopy-resume";
        using (var connection = await DataConnection.ConnectAsync(uri, _time, ct))
            await Monitor.ExecuteWithDescriptorAsync(new Getfd(descriptor), connection.SafeHandle, CancellationToken.None);

        try
        {
            await Monitor.ExecuteAsync(new Migrate($"fd:{descriptor}") { Resume = true }, CancellationToken.None);
        }
        catch (QmpErrorException)
        {
            await IgnoreGoneAsync(Monitor.ExecuteAsync(new Closefd(descriptor), ct));
            throw;
        }

        await FollowAsync(ct);
        var seen = await _observation.WaitAsync(o => o.Stream is StreamStatus.PostCopyActive or StreamStatus.PostCopyPaused or StreamStatus.Completed, ct);
        if (seen.Stream == StreamStatus.PostCopyPaused)
            throw new WherryException(ErrorCode.OperationFailed, $"post-copy could not be taken up again over {uri}: {seen.Info.ErrorDesc ?? "the connection broke"}");
    }

    /// <summary>Lets QEMU go past pre-switchover.</summary>
    public Task ContinueAsync(CancellationToken ct) => Monitor.ExecuteAsync(new MigrateContinue(MigrationStatus.PreSwitchover), ct);

    /// <summary>Cancels the stream and waits for its end, whichever it is (B8).</summary>
    /// <returns>None when there was none; PostCopyPaused when it is one that no cancel can end (B6).</returns>
    public async Task<StreamStatus> CancelAsync(CancellationToken ct)
    {
        var before = (await Monitor.ExecuteAsync(new QueryMigrate(), ct)).Status;
        var now = StreamStatuses.Of(before);
        if (now is StreamStatus.None && before != MigrationStatus.Setup && !_streamStarted)
            return StreamStatus.None;

        Volatile.Write(ref _streamStarted, true);
        if (now is StreamStatus.PostCopyPaused or StreamStatus.PostCopyRecovering)
            return StreamStatus.PostCopyPaused;

        if (!StreamStatuses.HasEnded(now))
            await Monitor.ExecuteAsync(new MigrateCancel(), ct);

        Look();
        await LookNowAsync(ct);
        if (before != MigrationStatus.Setup)
            return (await _observation.WaitAsync(o => StreamStatuses.HasEnded(o.Stream), ct)).Stream;

        // Still connecting: there is nothing yet that a yank could cut, and QEMU stays in "cancelling" for as long as TCP tries. No byte has
        // left, and none of a cancelled stream will, so nobody need wait for that but the next migration.
        try
        {
            return (await _observation.WaitAsync(o => StreamStatuses.HasEnded(o.Stream), CancelWhileConnecting, _time, "the end of the cancelled stream", ct)).Stream;
        }
        catch (TimeoutException)
        {
            return StreamStatus.Cancelled;
        }
    }

    /// <summary>Cuts every connection of this migration, out of band: works also when QEMU's main loop is blocked by one (rule 9).</summary>
    public async Task YankAsync(CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            var instances = await Monitor.ExecuteOutOfBandAsync(new QueryYank(), ct);
            ImmutableArray<YankInstance> ours =
                [.. instances.Where(i => i.Type == YankInstanceType.Migration || (i.NodeName is { } node && IsMirrorNode(node)))];
            if (ours.IsEmpty)
                return;

            try
            {
                await Monitor.ExecuteOutOfBandAsync(new Yank(ours), ct);
                return;
            }
            catch (QmpErrorException) when (tries < YankTries)
            {
                // One of them has ended meanwhile, and then QEMU cuts none.
            }
        }
    }

    /// <summary>Cuts the copies that have not ended from their destination. Their jobs stay; the guest's writes go to its own disks only.</summary>
    /// <returns>There are some, and <see cref="CancelMirrorsAsync"/> has to follow.</returns>
    public async Task<bool> CutMirrorsAsync(CancellationToken ct)
    {
        if (!(await Monitor.ExecuteAsync(new QueryJobs(), ct)).Any(IsUnfinished))
            return false;

        await YankAsync(ct); // a forced cancel of a write-blocking mirror to a dead peer blocks QEMU's main loop (B3)
        return true;
    }

    /// <summary>Whether what the guest writes goes to these copies at once, and not by and by.</summary>
    public async Task<bool> WritesReachAsync(ImmutableArray<MirroredDisk> disks, CancellationToken ct)
    {
        var changesMode = await ChangesModeAsync(ct);
        return disks.Any(disk => CopyMethod.Of(disk.IsRaw, topLayerOnly: false, changesMode).Mode == MirrorCopyMode.WriteBlocking);
    }

    /// <summary>
    /// Ends the copies by force. A guest whose writes reach them must stand: a write of it that is in flight would kill QEMU
    /// (<see href="docs/decisions/0016-the-guest-stands-while-its-copies-are-given-up.md"/>). Those that come afterwards pass by a cancelled copy.
    /// </summary>
    public async Task CancelMirrorsAsync(CancellationToken ct)
    {
        foreach (var job in (await Monitor.ExecuteAsync(new QueryJobs(), ct)).Where(IsUnfinished))
            await IgnoreGoneAsync(Monitor.ExecuteAsync(new BlockJobCancel(job.Id) { Force = true }, ct));
    }

    /// <summary>Waits for the end of every copy, and forgets it.</summary>
    public async Task DismissMirrorsAsync(CancellationToken ct)
    {
        ImmutableArray<JobInfo> left = [];
        await Lookout.UntilAsync(
            _qemu,
            _time,
            async t =>
            {
                left = [.. (await Monitor.ExecuteAsync(new QueryJobs(), t)).Where(IsMirror)];
                return !left.Any(IsUnfinished);
            },
            ct);
        foreach (var job in left)
            await IgnoreGoneAsync(Monitor.ExecuteAsync(new JobDismiss(job.Id), ct));
    }

    /// <summary>Removes every trace of the attempt from QEMU, its copies excepted. Harmless when there is none, so it serves after a restart too.</summary>
    /// <param name="savedParameters">QEMU's migration parameters as they were before the attempt; null when nobody saved them.</param>
    /// <param name="ct">Stops waiting.</param>
    public async Task UndoAsync(string? savedParameters, CancellationToken ct)
    {
        var nodes = await Monitor.ExecuteAsync(new QueryNamedBlockNodes(Flat: true), ct);
        foreach (var node in nodes.Select(n => n.NodeName).OfType<string>().Where(IsMirrorNode).Order(FormatNodesFirst))
            await IgnoreGoneAsync(Monitor.ExecuteAsync(new BlockdevDel(node), ct));

        await StreamConfiguration.RestoreAsync(Monitor, MigrationParty.Source, savedParameters, ct);
        await MigrationTls.RemoveAsync(Monitor, ct);
    }

    /// <summary>A stream has "failed", or is "cancelled", some time before QEMU has tidied up after it; until then it takes no settings, and
    /// the next migration is refused ("duplicate yank instance"), and it may yet let the guest go on. One that still connects may take minutes: not waited for.</summary>
    public async Task QuietAsync(CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(TidiedWithin, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await Lookout.UntilAsync(
                _qemu,
                _time,
                async t => (await Monitor.ExecuteOutOfBandAsync(new QueryYank(), t)).All(instance => instance.Type != YankInstanceType.Migration),
                either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // It goes on as it is.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _looking;
    }

    private static MirrorReport ToReport(JobInfo job, BlockJobInfo? block) => new(
        job.Id,
        Concluded: job.Status == JobStatus.Concluded,
        Ready: block?.Ready ?? false,
        OffsetBytes: (ulong)Math.Max(0, block?.Offset ?? job.CurrentProgress),
        LengthBytes: (ulong)Math.Max(0, block?.Len ?? job.TotalProgress),
        job.Error ?? block?.Error ?? ErrorOf(block?.IoStatus));

    // A copy whose target fails is paused with its error: one that ends by itself may do so in the midst of the guest's writes.
    private static string? ErrorOf(IoStatus? status) => status switch
    {
        null => null,
        { } good when good == IoStatus.Ok => null,
        { } full when full == IoStatus.Nospace => "No space left on device",
        _ => "Input/output error",
    };

    private static bool IsMirror(JobInfo job) => job.Id.StartsWith("drive-", StringComparison.Ordinal);

    private static bool IsUnfinished(JobInfo job) => IsMirror(job) && job.Status != JobStatus.Concluded;

    private static bool IsMirrorNode(string node) => node.StartsWith("migration-", StringComparison.Ordinal);

    // A format node holds its storage node.
    private static readonly Comparer<string> FormatNodesFirst = Comparer<string>.Create(
        (a, b) => b.EndsWith("-format", StringComparison.Ordinal).CompareTo(a.EndsWith("-format", StringComparison.Ordinal)));

    private static async Task IgnoreGoneAsync(Task command)
    {
        try
        {
            await command;
        }
        catch (QmpErrorException)
        {
            // The job or node ended by itself meanwhile, which is what was wanted.
        }
    }

    private async Task AddMirrorAsync(MirrorOrder order, MirroredDisk disk, CopyMethod method, CancellationToken ct)
    {
        await Monitor.ExecuteAsync(
            new BlockdevAdd(new BlockdevOptions("nbd", disk.StorageNode)
            {
                Server = order.Server,
                Export = disk.JobId,
                TlsCreds = order.Tls is null ? null : MigrationTls.CredentialsId,
                TlsHostname = order.Tls is null ? null : order.TlsHostName,
                ReadOnly = false,
                AutoReadOnly = false,
                Discard = "unmap",
            }),
            ct);
        await Monitor.ExecuteAsync(
            new BlockdevAdd(new BlockdevOptions("raw", disk.FormatNode)
            {
                File = disk.StorageNode,
                ReadOnly = false,
                AutoReadOnly = false,
                Discard = "unmap",
            }),
            ct);
        await Monitor.ExecuteAsync(
            new BlockdevMirror(disk.JobId, disk.SourceNode, disk.FormatNode, method.Sync)
            {
                Speed = order.SpeedBytesPerSecond(),
                CopyMode = method.Mode,
                OnSourceError = BlockdevOnError.Stop,
                OnTargetError = BlockdevOnError.Stop,
                AutoFinalize = true,
                AutoDismiss = false,
            },
            ct);
        FaultPoint.Reached("src.mirror.added");
    }

    private async Task<bool> ChangesModeAsync(CancellationToken ct) =>
        (await Monitor.ExecuteAsync(new QueryCommands(), ct)).Any(command => command.Name == CopyMethod.ChangeCommand);

    private MirrorVerdict Verdict(SourceObservation seen, bool finishing) => MirrorVerdict.Of(_mirrors, seen.Mirrors, finishing);

    /// <summary>Makes sure that somebody looks.</summary>
    private void Look()
    {
        if (_looking.IsCompleted && !_ending.IsCancellationRequested)
            _looking = KeepLookingAsync();
    }

    private async Task KeepLookingAsync()
    {
        await Task.Yield();
        try
        {
            await Lookout.UntilAsync(
                _qemu,
                _time,
                async ct =>
                {
                    await LookNowAsync(ct);
                    return false;
                },
                _ending.Token);
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // Disposed: nobody waits any more.
        }
        catch (MonitorClosedException)
        {
            // QEMU is gone or its monitor is; the process watch says which, and that is an input of the machine.
        }
    }

    private async Task LookNowAsync(CancellationToken ct)
    {
        await _oneLook.WaitAsync(ct);
        try
        {
            if (await LookOnceAsync(ct) is { } seen)
            {
                // Subscribers first: who waits for what was seen goes on, and the events of that must not overtake those of this.
                _observed(seen);
                _observation.Publish(seen);
            }
        }
        finally
        {
            _oneLook.Release();
        }
    }

    /// <summary>Null: QEMU did not answer in time, and will be asked again.</summary>
    private async Task<SourceObservation?> LookOnceAsync(CancellationToken ct)
    {
        try
        {
            var info = await Monitor.ExecuteAsync(new QueryMigrate(), ct);

            // Before our own `migrate` the answer is about an earlier attempt.
            var stream = Volatile.Read(ref _streamStarted) ? StreamStatuses.Of(info.Status) : StreamStatus.None;
            return new SourceObservation(stream, info, _mirrors.IsEmpty ? [] : await LookAtJobsAsync(ct));
        }
        catch (QmpTimeoutException)
        {
            return null;
        }
    }

    private async Task<ImmutableArray<MirrorReport>> LookAtJobsAsync(CancellationToken ct)
    {
        // Block jobs first: a job that concludes between the two looks is then seen as concluded, never as missing.
        var blocks = (await Monitor.ExecuteAsync(new QueryBlockJobs(), ct)).ToDictionary(b => b.Device, StringComparer.Ordinal);
        var jobs = await Monitor.ExecuteAsync(new QueryJobs(), ct);
        return [.. jobs.Where(IsMirror).Select(job => ToReport(job, blocks.GetValueOrDefault(job.Id)))];
    }
}

/// <summary>How the disks are to be copied.</summary>
/// <param name="Disks">Which.</param>
/// <param name="Server">The destination's NBD server.</param>
/// <param name="TopLayerOnly">Not the layers below the image that the guest writes to: the destination has them.</param>
/// <param name="SpeedBytesPerSecond">0 for no limit; may change from one disk to the next.</param>
/// <param name="Tls">Credentials; null for copies in the clear.</param>
/// <param name="TlsHostName">The name that the destination's certificate has to carry; null: that of the address.</param>
internal sealed record MirrorOrder(
    ImmutableArray<MirroredDisk> Disks,
    SocketAddress Server,
    bool TopLayerOnly,
    Func<long> SpeedBytesPerSecond,
    MigrationTls? Tls = null,
    string? TlsHostName = null);
