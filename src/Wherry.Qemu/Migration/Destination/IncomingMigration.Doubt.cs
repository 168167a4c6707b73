using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>While the guest is here and the source has not let go of it: what is known, and the way out for an operator who knows more.</summary>
internal sealed partial class IncomingMigration
{
    private static readonly TimeSpan ForceDeadline = TimeSpan.FromSeconds(60);

    private DateTimeOffset _since;
    private string _there = "it is connected";

    /// <summary>Null once the guest is this host's, or certainly never will be (rule 12).</summary>
    public string? Doubt => _state is DestinationState.Running or DestinationState.Aborted or DestinationState.Forgotten
        ? null
        : $"domain '{_domain.Name}' is being migrated to this host (hand-over {Id}){(_state is DestinationState.Receiving { InDoubt: true } ? Report.Advice : "")}";

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
                Role = HandOverRole.Destination,
                State = state is DestinationState.Receiving { Loaded: true } ? "loaded" : state.GetType().Name.ToLowerInvariant(),
                PeerUri = SourceUri,
                PeerHost = SourceHost,
                Since = _since,
                Here = state switch
                {
                    DestinationState.Receiving { Loaded: true } => "paused, complete",
                    _ when !_domain.Snapshot.IsActive => "no copy of the guest",
                    DestinationState.Launching or DestinationState.Listening or DestinationState.Receiving => "paused, not complete yet",
                    _ => _domain.Snapshot.Status.State.ToString().ToLowerInvariant(),
                },
                There = _there,
                Command = state is DestinationState.Receiving { Loaded: true, Attempt.IsLegacy: false }
                    ? $"wherryd handover force-destination --id {Id} --i-fenced {SourceHost ?? "HOST"}"
                    : null,
                NeedsDecision = state is DestinationState.Receiving { InDoubt: true },
            };
        }
    }

    /// <summary>For the domain's messages.</summary>
    public string? Message => _state is DestinationState.Receiving { InDoubt: true } ? $"migration in doubt: {Report.Text}" : null;

    private string? SourceHost => _order.Source.HostName;

    /// <summary>Null when it never said.</summary>
    public Guid? SourceHostUuid => _order.Source.HostUuid;

    private string? SourceUri => _order.Source.Uri;

    /// <summary>
    /// An operator has powered the source host off: the guest, all of which is here, is started without its source's word. If it had gone on
    /// running there (a migration that was given up at its very end), that is lost.
    /// </summary>
    /// <exception cref="WherryException">OperationInvalid: not all of it is here, nothing is in doubt, it is another host, or that host answers.
    /// InvalidArg: no host is named. OperationFailed: it could not be started.</exception>
    public async Task StartWithoutSourceAsync(FencingStatement statement, CancellationToken ct)
    {
        if (_state is not DestinationState.Receiving { Loaded: true, Attempt.IsLegacy: false })
        {
            throw new WherryException(
                ErrorCode.OperationInvalid,
                $"hand-over {Id} of domain '{_domain.Name}' cannot be forced, its destination is in state {Report.State}: only a guest that has been loaded whole, "
                + "and that is not started yet, can be");
        }

        PeerSilence.RequireNamed(statement.Host, SourceHost, SourceHostUuid);
        await PeerSilence.RequireAsync(_context, statement.Host, SourceHostUuid, SourceUri, open: null, ct);
        MigrationLog.Fenced(_logger, Id, _domain.Name, statement.Host, statement.By);
        _loop.Post(new DestinationInput.SourceFenced(statement));
        var reached = await _progress.WaitAsync(p => p.Answer is not null, ForceDeadline, _context.Time, $"the start of '{_domain.Name}'", ct);
        if (reached.Answer != PeerAnswer.Run)
            throw MigrationFailures.ToException(reached.Failure!); // an ABORT always comes with its reason
    }

    private void Stands(DestinationState next)
    {
        if (next.GetType() != _state.GetType())
            _since = _context.Time.GetUtcNow();
    }

    /// <summary>Told as at the source: see there why by this event.</summary>
    private void ShowDoubt()
    {
        MigrationLog.InDoubt(_logger, Id, Report.Text);
        _domain.Change(s => s.Job is { } job ? s with { Job = job with { HandOver = Report } } : s);
        _domain.Announce(new DomainEvent.Lifecycle(LifecycleEvent.Suspended(SuspendedDetail.ApiError)));
    }

    private void Heard(string what) => _there = $"{what} since {_context.Time.GetUtcNow():yyyy-MM-dd HH:mm:ss}Z";
}
