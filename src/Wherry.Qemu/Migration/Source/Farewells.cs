using System.Collections.Immutable;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Migration.Source;

/// <summary>
/// Hand-overs that ended at this source while their destination could not be told. It may have all of the guest, which it keeps for an operator to
/// decide about; so it is told as soon as it can be reached, also by the next daemon, and this host remembers until it has been.
/// </summary>
/// <remarks>
/// Nobody waits for it, except who would start the guest after this host was off: meanwhile an operator may have taken the host for dead for good, and let
/// the guest run there. That is the doubt of a farewell.
/// </remarks>
internal sealed class Farewells(MigrationContext context) : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AnswerDeadline = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ForceDeadline = TimeSpan.FromSeconds(3);

    /// <summary>A destination that is away for longer has given up long since (<see cref="MigrationLimits.HoldLoaded"/>), or is no more.</summary>
    private static readonly TimeSpan ToldFor = TimeSpan.FromDays(1);

    private readonly VersionedState<State> _state = new(new State(ImmutableDictionary<HandoverId, Owed>.Empty, []));
    private readonly CancellationTokenSource _ending = new();
    private ImmutableArray<Task> _telling = [];

    /// <summary>Those that keep a domain from being started.</summary>
    public IEnumerable<HandOverReport> Doubts => _state.Current.Owed.Values.Where(owed => IsDoubtful(owed.Record)).Select(owed => new HandOverReport
    {
        Id = owed.Record.Id.Value,
        DomainName = owed.Record.DomainName,
        DomainUuid = owed.Record.DomainUuid,
        Role = HandOverRole.Source,
        State = HandOverReport.Withdrawing,
        PeerUri = owed.Record.Peer.Uri,
        PeerHost = owed.Record.Peer.HostName,
        Since = owed.Record.Created,
        Here = "no copy of the guest is left",
        There = owed.There,
        Command = $"wherryd handover force-source --id {owed.Record.Id} --i-fenced {owed.Record.Peer.HostName ?? "HOST"}",
        NeedsDecision = true,
    });

    /// <summary>Why this domain must not be started; null when it may.</summary>
    public string? Doubt(Guid domain) => Doubts.FirstOrDefault(report => report.DomainUuid == domain)?.Text;

    /// <summary>Waits until there is no doubt about this domain.</summary>
    /// <returns>False: it runs at the destination. Null: there was no doubt.</returns>
    public async Task<bool?> SettledAsync(Guid domain, CancellationToken ct)
    {
        var doubted = Doubt(domain) is not null;
        var settled = await _state.WaitAsync(state => !state.Owed.Values.Any(owed => owed.Record.DomainUuid == domain && IsDoubtful(owed.Record)), ct);
        return settled.Elsewhere.Contains(domain) ? false : doubted ? true : null;
    }

    /// <param name="record">Closed, with a farewell owed.</param>
    /// <param name="acknowledged">It came while the record was written.</param>
    public void Owe(HandoverRecord record, bool acknowledged)
    {
        _state.Update(state => state with { Owed = state.Owed.SetItem(record.Id, new Owed(record, "not told that it is over")) });
        var telling = TellAsync(record, acknowledged);
        ImmutableInterlocked.Update(ref _telling, tasks => [.. tasks.Where(task => !task.IsCompleted), telling]);
    }

    /// <summary>An operator has powered the destination host off, so what is there does not matter any more.</summary>
    /// <returns>What became of it; null when no farewell of that id keeps anybody waiting.</returns>
    /// <exception cref="WherryException">OperationInvalid: it is another host, or that host answers and has not decided. InvalidArg: no host is named.
    /// OperationFailed: it could not be put on record.</exception>
    public async Task<string?> ForceAsync(HandoverId id, FencingStatement statement, CancellationToken ct)
    {
        if (!_state.Current.Owed.TryGetValue(id, out var owed) || !IsDoubtful(owed.Record))
            return null;

        var record = owed.Record;
        PeerSilence.RequireNamed(statement.Host, record.Peer.HostName, record.Peer.HostUuid);
        var answer = await AnswerAsync(record, ct);
        switch (answer)
        {
            case ResolveAnswer.Pending:
                throw new WherryException(ErrorCode.OperationInvalid, $"host '{statement.Host}' is not off: its daemon answers at {UriOf(record)}, and will say what became of the guest");
            case { } final:
                Told(record, final);
                break;
            default:
                MigrationLog.Fenced(context.Logger, id, record.DomainName, statement.Host, statement.By);
                Settle(record, runsElsewhere: false);
                break;
        }

        if (_state.Current.Owed.ContainsKey(id))
            throw new WherryException(ErrorCode.OperationFailed, $"the record of hand-over {id} of domain '{record.DomainName}' could not be removed; the log tells why");

        return answer == ResolveAnswer.Run
            ? $"domain '{record.DomainName}' runs on host '{statement.Host}', whose daemon answers"
            : $"domain '{record.DomainName}' may be started on this host";
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_telling);
    }

    private bool IsDoubtful(HandoverRecord record) => record.BootId != context.Host.BootId;

    /// <summary>It stays owed when that cannot be made durable: the next daemon would owe it again.</summary>
    private void Settle(HandoverRecord record, bool runsElsewhere)
    {
        try
        {
            context.Journal.Erase(record.Id);
        }
        catch (JournalWriteException e)
        {
            MigrationLog.JournalFailed(context.Logger, record.Id, record.DomainName, "farewell", e.Message);
            return;
        }

        _state.Update(state => new State(state.Owed.Remove(record.Id), runsElsewhere ? state.Elsewhere.Add(record.DomainUuid) : state.Elsewhere));
    }

    private async Task TellAsync(HandoverRecord record, bool acknowledged)
    {
        await Task.Yield();
        try
        {
            if (acknowledged)
                Settle(record, runsElsewhere: false);

            await UntilToldAsync(record);
        }
        catch (Exception) when (_ending.IsCancellationRequested)
        {
            // The daemon stops; the record tells its successor.
        }
    }

    /// <summary>Whatever keeps the destination from answering, it is tried again: that it is unreachable, slow, or another host by now.</summary>
    private async Task UntilToldAsync(HandoverRecord record)
    {
        var began = context.Time.GetTimestamp();
        for (var pause = FirstPause; IsOwed(record); pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                if (await AskAsync(record, _ending.Token) is not ResolveAnswer.Pending and var answer)
                    Told(record, answer);
            }
            catch (Exception e) when (!_ending.IsCancellationRequested)
            {
                if (!IsDoubtful(record) && context.Time.GetElapsedTime(began) > ToldFor)
                {
                    MigrationLog.PeerNeverTold(context.Logger, record.Id, record.DomainName, UriOf(record), e.Message);
                    Settle(record, runsElsewhere: false);
                }

                NoAnswer(record, e.Message);
            }

            if (IsOwed(record))
                await Task.Delay(pause, timeProvider: context.Time, _ending.Token);
        }
    }

    private bool IsOwed(HandoverRecord record) => _state.Current.Owed.ContainsKey(record.Id);

    /// <summary>Told once, as long as the reason stays the same.</summary>
    private void NoAnswer(HandoverRecord record, string why)
    {
        var silent = new Owed(record, $"no answer ({why})");
        if (!_state.Current.Owed.TryGetValue(record.Id, out var before) || before.There == silent.There)
            return;

        MigrationLog.PeerNotTold(context.Logger, record.Id, record.DomainName, why);
        _state.Update(state => state.Owed.ContainsKey(record.Id) ? state with { Owed = state.Owed.SetItem(record.Id, silent) } : state);
    }

    /// <summary>For an operator: null when that host, and not whoever has its address, does not answer.</summary>
    private async Task<ResolveAnswer?> AnswerAsync(HandoverRecord record, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(PeerUri.Patience(UriOf(record), ForceDeadline), context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await AskAsync(record, either.Token);
        }
        catch (Exception e) when (e is WherryException or PeerLostException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return null;
        }
    }

    private async Task<ResolveAnswer> AskAsync(HandoverRecord record, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(PeerUri.Patience(UriOf(record), AnswerDeadline), context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        await using var peer = await context.Dialer.DialAsync(UriOf(record), either.Token);
        var host = record.Peer.HostUuid ?? throw new PeerLostException("the destination did not say which host it is");
        var answer = await peer.WithdrawAsync(record.Id.Value, record.DomainUuid, host, either.Token);
        if (answer == ResolveAnswer.Run && !IsActiveHere(record))
            await peer.ForgetAsync(record.Id.Value, either.Token);

        return answer;
    }

    /// <summary>A destination runs the guest because an operator let it, or because the guest went there by a later migration: as after any migration, the
    /// definition that is left here is its user's to start.</summary>
    private void Told(HandoverRecord record, ResolveAnswer answer)
    {
        Settle(record, runsElsewhere: answer == ResolveAnswer.Run);
        if (answer == ResolveAnswer.Abort)
            MigrationLog.PeerToldLate(context.Logger, record.Id, record.DomainName, UriOf(record));
        else if (IsActiveHere(record))
            MigrationLog.PeerRunsAsWell(context.Logger, record.Id, record.DomainName, UriOf(record));
        else
            MigrationLog.PeerRunsIt(context.Logger, record.Id, record.DomainName, UriOf(record));
    }

    private bool IsActiveHere(HandoverRecord record) => context.Driver.Domains.Find(record.DomainUuid)?.Snapshot.IsActive == true;

    private static string UriOf(HandoverRecord record) => record.Peer.Uri ?? throw new PeerLostException("the destination did not say where it can be reached");

    /// <param name="Record">Closed, with a farewell owed.</param>
    /// <param name="There">The last that was heard of the destination.</param>
    private sealed record Owed(HandoverRecord Record, string There);

    /// <param name="Owed">To whom nobody has told it yet.</param>
    /// <param name="Elsewhere">Domains that were found to run at a destination.</param>
    private sealed record State(ImmutableDictionary<HandoverId, Owed> Owed, ImmutableHashSet<Guid> Elsewhere);
}
