using Wherry.Qemu.State;

namespace Wherry.Qemu.Migration;

/// <summary>
/// The control connection to the peer, kept up for as long as a migration needs it. Losing it decides nothing: the loss and the
/// return are told to the machine, which alone knows what they mean in its state (rule 10).
/// </summary>
/// <remarks>
/// <code>
///   Dial ──► up ──Closed──► lost() ──► dial again: 0.2 s, 0.4 s … 5 s ──► up ──► restored()
/// </code>
/// </remarks>
internal sealed class PeerLink : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan DialDeadline = TimeSpan.FromSeconds(10);

    private readonly IMigrationPeerDialer _dialer;
    private readonly TimeProvider _time;
    private readonly Action _lost;
    private readonly Func<IMigrationPeer, CancellationToken, Task> _greet;
    private readonly Action _restored;
    private readonly CancellationTokenSource _ending = new();
    private readonly VersionedState<IMigrationPeer?> _peer = new(null);
    private Task _keeping = Task.CompletedTask;

    /// <param name="uri">Where the peer is.</param>
    /// <param name="dialer">Makes the connection.</param>
    /// <param name="time">For the pauses between attempts.</param>
    /// <param name="lost">Called once for each loss.</param>
    /// <param name="greet">Said to the peer on every later connection, before anybody uses it.</param>
    /// <param name="restored">Called once for each return.</param>
    public PeerLink(
        string uri,
        IMigrationPeerDialer dialer,
        TimeProvider time,
        Action lost,
        Func<IMigrationPeer, CancellationToken, Task> greet,
        Action restored)
    {
        _greet = greet;
        Uri = uri;
        _dialer = dialer;
        _time = time;
        _lost = lost;
        _restored = restored;
    }

    public string Uri { get; }

    /// <summary>The connection, or null while it is down.</summary>
    public IMigrationPeer? Current => _peer.Current;

    /// <summary>Makes the first connection; errors are the caller's, because nothing has begun yet.</summary>
    public async Task<IMigrationPeer> DialAsync(CancellationToken ct)
    {
        var first = await _dialer.DialAsync(Uri, ct);
        _peer.Publish(first);
        _keeping = KeepAsync(first);
        return first;
    }

    /// <summary>Starts dialling in the background: after a restart, or for a managed migration whose client has vanished.</summary>
    public void Keep() => _keeping = _keeping.IsCompleted ? KeepAsync(null) : _keeping;

    /// <summary>The connection as soon as there is one.</summary>
    /// <exception cref="PeerLostException">Not within <paramref name="within"/>.</exception>
    public async Task<IMigrationPeer> WaitAsync(TimeSpan within, CancellationToken ct)
    {
        try
        {
            return (await _peer.WaitAsync(p => p is not null, within, _time, $"a connection to {Uri}", ct))!; // the predicate excludes null
        }
        catch (TimeoutException e)
        {
            throw new PeerLostException($"no connection to {Uri} within {within.TotalSeconds:0.#} s", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _keeping;
        if (_peer.Current is { } open)
            await open.DisposeAsync();
    }

    private async Task KeepAsync(IMigrationPeer? open)
    {
        try
        {
            while (true)
            {
                if (open is not null)
                {
                    await open.Closed.WaitAsync(_ending.Token);
                    _peer.Publish(null);
                    await open.DisposeAsync();
                    _lost();
                }

                open = await DialAgainAsync();
                _peer.Publish(open);
                _restored();
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
            // Disposed: the migration is over.
        }
    }

    private async Task<IMigrationPeer> DialAndGreetAsync(CancellationToken ct)
    {
        var dialled = await _dialer.DialAsync(Uri, ct);
        try
        {
            await _greet(dialled, ct);
            return dialled;
        }
        catch
        {
            await dialled.DisposeAsync();
            throw;
        }
    }

    private async Task<IMigrationPeer> DialAgainAsync()
    {
        var pause = FirstPause;
        while (true)
        {
            using var deadline = new CancellationTokenSource(PeerUri.Patience(Uri, DialDeadline), _time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token, deadline.Token);
            try
            {
                return await DialAndGreetAsync(both.Token);
            }
            catch (Exception) when (!_ending.IsCancellationRequested)
            {
                // Unreachable, refused or slow: all the same here. The machine alarms if it lasts; this loop only keeps trying.
                await Task.Delay(pause, _time, _ending.Token);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }
}
