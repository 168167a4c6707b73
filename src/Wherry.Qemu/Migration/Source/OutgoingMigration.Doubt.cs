using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Source;

/// <summary>While it cannot be said where the guest runs: what is known, for whoever looks, and the way out for an operator who knows more.</summary>
internal sealed partial class OutgoingMigration
{
    private static readonly TimeSpan TakeBackDeadline = TimeSpan.FromSeconds(30);

    private DateTimeOffset _since;
    private string _there = "not asked yet";
    private bool _unanswered;
    private bool _alarmed;

    /// <summary>While it cannot be said where the guest runs, nobody else may start, resume or migrate it (rule 12). Null when all is clear.</summary>
    public string? Doubt => _state switch
    {
        SourceState.Handed { Attempt.Withdraws: true } =>
            $"domain '{_domain.Name}' died here while it was sent to {PeerName} (hand-over {Id}), which has not said yet that it does not run it{Report.Advice}",
        SourceState.Handed or SourceState.Sent =>
            $"domain '{_domain.Name}' has been handed over to {PeerName} (hand-over {Id}), which has not said yet whether it runs it{Report.Advice}",
        SourceState.PostCopy { Stage: PostCopyStage.Lost, Why: { } why } => $"domain '{_domain.Name}' was lost in post-copy: {why.Text}",
        SourceState.PostCopy => $"domain '{_domain.Name}' runs at {PeerName}, which needs the memory that is still here (post-copy, hand-over {Id})",
        _ => null,
    };

    /// <summary>How the hand-over stands.</summary>
    public HandOverReport Report
    {
        get
        {
            var state = _state;
            return new HandOverReport
            {
                Id = Id.Value,
                DomainName = _domain.Name,
                DomainUuid = _domain.Uuid,
                Role = HandOverRole.Source,
                State = state switch
                {
                    SourceState.Handed { Attempt.Withdraws: true } => HandOverReport.Withdrawing,
                    SourceState.PostCopy { Stage: PostCopyStage.Flowing } => "post-copy",
                    SourceState.PostCopy s => $"post-copy {s.Stage.ToString().ToLowerInvariant()}",
                    _ => state.GetType().Name.ToLowerInvariant(),
                },
                PeerUri = _order.PeerUri,
                PeerHost = PeerHost,
                Since = _since,
                Here = _domain.Snapshot switch
                {
                    { IsActive: false } => "no copy of the guest is left",
                    var now when state is SourceState.Handed or SourceState.Sent => $"{now.Status.State.ToString().ToLowerInvariant()}, complete",
                    var now => now.Status.State.ToString().ToLowerInvariant(),
                },
                There = _there,
                Command = state is SourceState.Handed { Verdict: null } ? $"wherryd handover force-source --id {Id} --i-fenced {PeerHost ?? "HOST"}" : null,
                NeedsDecision = _alarmed && state is SourceState.Handed,
            };
        }
    }

    /// <summary>For the domain's messages: a question that was not answered, until it is; an end that does not come, until it does.</summary>
    public string? Message => _state switch
    {
        SourceState.Handed when _unanswered || _alarmed => $"migration in doubt: {Report.Text}",
        SourceState.Copying or SourceState.Sending when _statistics.Complaint is { } concern => $"migration: {concern}",
        _ => null,
    };

    private string? PeerHost => _terms?.Cookie?.HostName ?? _order.PeerHost;

    private Guid? PeerHostUuid => _terms?.Cookie?.HostUuid ?? _order.PeerHostUuid;

    /// <summary>
    /// An operator has powered the destination host off: the guest goes on here, from where it was stopped. What it may have done there before
    /// that host died is lost, except on shared disks.
    /// </summary>
    /// <returns>How it ended.</returns>
    /// <exception cref="WherryException">OperationInvalid: nothing is in doubt, it is another host, or that host answers. InvalidArg: no host is named.</exception>
    public async Task<MigrationOutcome> TakeBackAsync(FencingStatement statement, CancellationToken ct)
    {
        if (_state is not (SourceState.Handed { Verdict: null } or SourceState.PostCopy))
            throw new WherryException(ErrorCode.OperationInvalid, $"hand-over {Id} of domain '{_domain.Name}' is not in doubt, its source is in state {Report.State}");

        PeerSilence.RequireNamed(statement.Host, PeerHost, PeerHostUuid);
        await PeerSilence.RequireAsync(_context, statement.Host, PeerHostUuid, _order.PeerUri, _link?.Current, ct);
        var before = _progress.Current.Outcome;
        MigrationLog.Fenced(_logger, Id, _domain.Name, statement.Host, statement.By);
        _loop.Post(new SourceInput.PeerFenced(statement));
        var reached = await _progress.WaitAsync(
            p => p.Outcome is not null && p.Outcome != before && _state is not SourceState.Handed, TakeBackDeadline, _context.Time, $"the end of hand-over {Id}", ct);
        return reached.Outcome!; // by the condition
    }

    /// <summary>A new state begins now. After a restart the record tells when.</summary>
    private void Stands(SourceState next)
    {
        if (next.GetType() == _state.GetType())
            return;

        _since = _context.Time.GetUtcNow();
        _unanswered = _alarmed = false;
    }

    private void ShowDoubt()
    {
        if (Undecided is { } undecided)
            _domain.ReportJob(_statistics.Running(undecided));
    }

    /// <summary>As long as the guest's right to run is not here; null otherwise, and then the job's figures are all there is to it.</summary>
    private HandOverReport? Undecided => _state is SourceState.Handed or SourceState.PostCopy ? Report : null;

    /// <summary>
    /// Told once to subscribers, as "suspended, API error": of the events that libvirt's clients know it is the one that says that the guest stands
    /// and that the daemon cannot make it go on by itself. The details are in the job's statistics and in the domain's messages; no other event
    /// could carry them to a client that has not heard of us. The state itself stays "paused, migrating", which it is.
    /// </summary>
    private void AlarmDoubt()
    {
        if (_state is not SourceState.Handed)
            return;

        MigrationLog.InDoubt(_logger, Id, Report.Text);
        if (_alarmed)
            return;

        _alarmed = true;
        if (!_domain.Snapshot.IsActive)
            return;

        _domain.Announce(new DomainEvent.Lifecycle(LifecycleEvent.Suspended(SuspendedDetail.ApiError)));
    }

    private void Heard(string what, bool answered)
    {
        _there = $"{what} at {_context.Time.GetUtcNow():yyyy-MM-dd HH:mm:ss}Z";
        _unanswered |= !answered;
    }
}
