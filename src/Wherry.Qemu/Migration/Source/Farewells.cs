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

    /// <summary>A destination that is away for longer has given up long since (<see cref="MigrationLimits.HoldLoaded"/>), or is no more.</summary>
    private static readonly TimeSpan ToldFor = TimeSpan.FromDays(1);

    private readonly VersionedState<ImmutableDictionary<HandoverId, HandoverRecord>> _owed = new(ImmutableDictionary<HandoverId, HandoverRecord>.Empty);
    private readonly CancellationTokenSource _ending = new();
    private ImmutableArray<Task> _telling = [];

    /// <summary>Those that keep a domain from being started.</summary>
    public IEnumerable<HandOverReport> Doubts => _owed.Current.Values.Where(IsDoubtful).Select(record => new HandOverReport
    {
        Id = record.Id.Value,
        DomainName = record.DomainName,
        DomainUuid = record.DomainUuid,
        Role = HandOverRole.Source,
        State = HandOverReport.Withdrawing,
        PeerUri = record.Peer.Uri,
        PeerHost = record.Peer.HostName,
        Since = record.Created,
        Here = "no copy of the guest is left",
        There = "not told that it was over before this host was off",
        Command = $"wherryd handover force-source --id {record.Id} --i-fenced {record.Peer.HostName ?? "HOST"}",
        NeedsDecision = true,
    });

    /// <summary>Why this domain must not be started; null when it may.</summary>
    public string? Doubt(Guid domain) => Doubts.FirstOrDefault(report => report.DomainUuid == domain)?.Text;

    /// <summary>Waits until there is no doubt about this domain.</summary>
    /// <returns>False: there was none.</returns>
    public async Task<bool> SettledAsync(Guid domain, CancellationToken ct)
    {
        if (Doubt(domain) is null)
            return false;

        await _owed.WaitAsync(owed => !owed.Values.Any(record => record.DomainUuid == domain && IsDoubtful(record)), ct);
        return true;
    }

    /// <param name="record">Closed, with a farewell owed.</param>
    /// <param name="acknowledged">It came while the record was written.</param>
    public void Owe(HandoverRecord record, bool acknowledged)
    {
        _owed.Update(owed => owed.SetItem(record.Id, record));
        var telling = TellAsync(record, acknowledged);
        ImmutableInterlocked.Update(ref _telling, tasks => [.. tasks.Where(task => !task.IsCompleted), telling]);
    }

    /// <summary>An operator has powered the destination host off, so what is there does not matter any more.</summary>
    /// <returns>What became of it; null when no farewell of that id keeps anybody waiting.</returns>
    /// <exception cref="WherryException">OperationInvalid: it is another host, or that host answers. InvalidArg: no host is named.</exception>
    public async Task<string?> ForceAsync(HandoverId id, FencingStatement statement, CancellationToken ct)
    {
        if (!_owed.Current.TryGetValue(id, out var record) || !IsDoubtful(record))
            return null;

        PeerSilence.RequireNamed(statement.Host, record.Peer.HostName, record.Peer.HostUuid);
        await PeerSilence.RequireAsync(context, statement.Host, record.Peer.Uri, open: null, ct);
        MigrationLog.Fenced(context.Logger, id, record.DomainName, statement.Host, statement.By);
        Settle(record);
        return $"domain '{record.DomainName}' may be started on this host";
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Task.WhenAll(_telling);
    }

    private bool IsDoubtful(HandoverRecord record) => record.BootId != context.Host.BootId;

    private void Settle(HandoverRecord record)
    {
        try
        {
            context.Journal.Erase(record.Id);
        }
        catch (JournalWriteException e)
        {
            MigrationLog.JournalFailed(context.Logger, record.Id, record.DomainName, "farewell", e.Message); // told once more by the next daemon, which harms nobody
        }

        _owed.Update(owed => owed.Remove(record.Id));
    }

    private async Task TellAsync(HandoverRecord record, bool acknowledged)
    {
        await Task.Yield();
        try
        {
            if (acknowledged)
                Settle(record);
            else
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
        for (var pause = FirstPause; _owed.Current.ContainsKey(record.Id); pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                if (await AskAsync(record) is { } answer)
                    Told(record, answer);
            }
            catch (Exception e) when (!_ending.IsCancellationRequested)
            {
                if (!IsDoubtful(record) && context.Time.GetElapsedTime(began) > ToldFor)
                {
                    MigrationLog.PeerNeverTold(context.Logger, record.Id, record.DomainName, UriOf(record), e.Message);
                    Settle(record);
                }
            }

            if (_owed.Current.ContainsKey(record.Id))
                await Task.Delay(pause, timeProvider: context.Time, _ending.Token);
        }
    }

    /// <returns>Run or Abort; null: not yet.</returns>
    private async Task<ResolveAnswer?> AskAsync(HandoverRecord record)
    {
        using var limit = new CancellationTokenSource(PeerUri.Patience(UriOf(record), AnswerDeadline), context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token, limit.Token);
        await using var peer = await context.Dialer.DialAsync(UriOf(record), either.Token);
        var host = record.Peer.HostUuid ?? throw new PeerLostException("the destination did not say which host it is");
        var answer = await peer.WithdrawAsync(record.Id.Value, record.DomainUuid, host, either.Token);
        if (answer == ResolveAnswer.Run && !RunsHere(record))
            await peer.ForgetAsync(record.Id.Value, either.Token);

        return answer == ResolveAnswer.Pending ? null : answer;
    }

    /// <summary>A destination runs the guest because an operator let it, or because the guest went there by a later migration. One that has to be asked before
    /// the domain is started here is asked for as long as it does.</summary>
    private void Told(HandoverRecord record, ResolveAnswer answer)
    {
        var (runsThere, runsHere) = (answer == ResolveAnswer.Run, RunsHere(record));
        if (!runsThere || runsHere || !IsDoubtful(record))
            Settle(record);

        if (runsThere && runsHere)
            MigrationLog.PeerRunsAsWell(context.Logger, record.Id, record.DomainName, UriOf(record));
        else if (runsThere)
            MigrationLog.PeerRunsIt(context.Logger, record.Id, record.DomainName, UriOf(record));
        else
            MigrationLog.PeerToldLate(context.Logger, record.Id, record.DomainName, UriOf(record));
    }

    private bool RunsHere(HandoverRecord record) => context.Driver.Domains.Find(record.DomainUuid)?.Snapshot.Status.IsRunning == true;

    private static string UriOf(HandoverRecord record) => record.Peer.Uri ?? throw new PeerLostException("the destination did not say where it can be reached");
}
