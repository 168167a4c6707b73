using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;

namespace Wherry.Qemu.Tests.Migration.Simulation;

/// <summary>A connection to another host's daemon, without a network: each call is that daemon's own.</summary>
internal sealed class InMemoryPeer(string uri, SimulatedHost host) : IMigrationPeer
{
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Uri => uri;

    public bool IsLocal => host.IsOnOneMachine;

    public Task Closed => _closed.Task;

    public Task<bool> SupportsAsync(MigrationFeature feature, CancellationToken ct) => Task.FromResult(true);

    public Task<Guid?> HostUuidAsync(CancellationToken ct) => Task.FromResult<Guid?>(host.HostUuid);

    public Task<PrepareReply> PrepareAsync(PhaseCall call, CancellationToken ct) =>
        host.Migrations.PrepareAsync(call, new IncomingClient(this, _ => Task.FromResult(true)), ct);

    public Task<(PrepareReply Reply, IMigrationTunnel Tunnel)> PrepareTunnelAsync(PhaseCall call, CancellationToken ct) =>
        throw new NotSupportedException("simulated QEMUs send no bytes that could be tunnelled");

    public async Task<FinishReply> FinishAsync(PhaseCall call, bool cancelled, CancellationToken ct)
    {
        try
        {
            return (await host.Migrations.FinishAsync(call, cancelled, ct)).Reply;
        }
        catch (WherryException e) when (cancelled && e.Code == ErrorCode.MigrateFinishOk)
        {
            return new FinishReply([]);
        }
    }

    public Task<ResolveAnswer> ResolveAsync(Guid handoverId, Guid domainUuid, Guid hostUuid, bool startPaused, CancellationToken ct) =>
        host.Migrations.ResolveAsync(handoverId, domainUuid, startPaused, ct);

    public Task<ResolveAnswer> WithdrawAsync(Guid handoverId, Guid domainUuid, Guid hostUuid, CancellationToken ct) =>
        host.Migrations.WithdrawAsync(handoverId, domainUuid, ct);

    public Task AttachAsync(Guid handoverId, CancellationToken ct)
    {
        host.Migrations.Attach(handoverId, this);
        return Task.CompletedTask;
    }

    public Task ForgetAsync(Guid handoverId, CancellationToken ct) => host.Migrations.ForgetAsync(handoverId, ct);

    public Task<PeerDomain> LookAsync(Guid domainUuid, CancellationToken ct) => Task.FromResult(host.Driver.Domains.Find(domainUuid)?.Snapshot.Status.State switch
    {
        null or DomainState.Shutoff => PeerDomain.Absent,
        DomainState.Running => PeerDomain.Running,
        _ => PeerDomain.Incoming,
    });

    public ValueTask DisposeAsync()
    {
        if (_closed.TrySetResult())
            host.Migrations.ClientGone(this);

        return ValueTask.CompletedTask;
    }
}

/// <summary>Every URI leads to the one other host.</summary>
/// <param name="peer">That host; null: there is none.</param>
/// <param name="reachable">How long the way to it takes.</param>
internal sealed class InMemoryDialer(Func<SimulatedHost>? peer, Func<Task> reachable) : IMigrationPeerDialer
{
    public Task RequireListenerAsync(string host, int port, CancellationToken ct) => Task.CompletedTask;

    public async Task<IMigrationPeer> DialAsync(string uri, CancellationToken ct)
    {
        await reachable().WaitAsync(ct);
        return peer is null ? throw new PeerLostException($"no way to {uri}") : new InMemoryPeer(uri, peer());
    }
}
