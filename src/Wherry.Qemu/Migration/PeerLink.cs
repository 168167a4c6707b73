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

    private readonly IMigrationPeerDialer dialer;
    private readonly TimeProvider time;
    private readonly Action lost;
    private readonly Func<IMigrationPeer, CancellationToken, Task> greet;
    private readonly Action restored;
    private readonly CancellationTokenSource ending = new();
    private readonly VersionedState<IMigrationPeer?> peer = new(null);
    private Task keeping = Task.CompletedTask;

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
        this.greet = greet;
        Uri = uri;
        this.dialer = dialer;
        this.time = time;
        this.lost = lost;
        this.restored = restored;
    }

    public string Uri { get; }

    /// <summary>The connection, or null while it is down.</summary>
    public IMigrationPeer? Current => peer.Current;

    /// <summary>Makes the first connection; errors are the caller's, because nothing has begun yet.</summary>
    public async Task<IMigrationPeer> DialAsync(CancellationToken ct)
    {
        var first = await dialer.DialAsync(Uri, ct);
        peer.Publish(first);
        keeping = KeepAsync(first);
        return first;
    }

    /// <summary>Starts dialling in the background: after a restart, or for a managed migration whose client has vanished.</summary>
    public void Keep() => keeping = keeping.IsCompleted ? KeepAsync(null) : keeping;

    /// <summary>The connection as soon as there is one.</summary>
    /// <exception cref="PeerLostException">Not within <paramref name="within"/>.</exception>
    public async Task<IMigrationPeer> WaitAsync(TimeSpan within, CancellationToken ct)
    {
        try
        {
            return (await peer.WaitAsync(p => p is not null, within, time, $"a connection to {Uri}", ct))!; // the predicate excludes null
        }
        catch (TimeoutException e)
        {
            throw new PeerLostException($"no connection to {Uri} within {within.TotalSeconds:0.#} s", e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await ending.CancelAsync();
        await keeping;
        if (peer.Current is { } open)
        {
            await open.DisposeAsync();
        }
    }

    private async Task KeepAsync(IMigrationPeer? open)
    {
        try
        {
            while (true)
            {
                if (open is not null)
                {
                    await open.Closed.WaitAsync(ending.Token);
                    peer.Publish(null);
                    await open.DisposeAsync();
                    lost();
                }

                open = await DialAgainAsync();
                peer.Publish(open);
                restored();
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Disposed: the migration is over.
        }
    }

    private async Task<IMigrationPeer> DialAndGreetAsync(CancellationToken ct)
    {
        var dialled = await dialer.DialAsync(Uri, ct);
        try
        {
            await greet(dialled, ct);
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
            using var deadline = new CancellationTokenSource(DialDeadline, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(ending.Token, deadline.Token);
            try
            {
                return await DialAndGreetAsync(both.Token);
            }
            catch (Exception) when (!ending.IsCancellationRequested)
            {
                // Unreachable, refused or slow: all the same here. The machine alarms if it lasts; this loop only keeps trying.
                await Task.Delay(pause, time, ending.Token);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }
}
