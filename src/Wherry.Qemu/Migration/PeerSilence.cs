namespace Wherry.Qemu.Migration;

/// <summary>Before an operator's word that a host is off is taken: whether that host does not answer just now. It is no proof that it is off, but
/// one that answers is certainly not.</summary>
internal static class PeerSilence
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <param name="named">Whom the operator says to have powered off.</param>
    /// <param name="host">The peer's name; null when it never said one.</param>
    /// <param name="uuid">The peer's host UUID, likewise.</param>
    /// <exception cref="WherryException">InvalidArg: nobody is named. OperationInvalid: it is another host than that of the hand-over.</exception>
    public static void RequireNamed(string named, string? host, Guid? uuid)
    {
        if (named.Length == 0)
            throw new WherryException(ErrorCode.InvalidArg, "name the host that was powered off: it must be certain that it runs no copy of the guest");

        if (!string.Equals(named, host, StringComparison.OrdinalIgnoreCase) && !(Guid.TryParse(named, out var id) && id == uuid))
            throw new WherryException(ErrorCode.OperationInvalid, $"host '{named}' is not the other side of this hand-over, which is '{host ?? uuid?.ToString() ?? "unknown"}'");
    }

    /// <exception cref="WherryException">OperationInvalid: its daemon answers.</exception>
    public static async Task RequireAsync(MigrationContext context, string host, string? uri, IMigrationPeer? open, CancellationToken ct)
    {
        if (await AnswersAsync(context, Patience, t => IsAliveAsync(open, t), ct)
            || (uri is not null && uri != context.Host.PeerUri && await AnswersAsync(context, PeerUri.Patience(uri, Patience), t => CanBeReachedAsync(context, uri, t), ct)))
            throw new WherryException(ErrorCode.OperationInvalid, $"host '{host}' is not off: its daemon answers at {open?.Uri ?? uri}, and will say itself what became of the guest");
    }

    private static async Task<bool> IsAliveAsync(IMigrationPeer? peer, CancellationToken ct) =>
        peer is not null && await peer.SupportsAsync(MigrationFeature.MigrationV3, ct);

    private static async Task<bool> CanBeReachedAsync(MigrationContext context, string uri, CancellationToken ct)
    {
        await using var peer = await context.Dialer.DialAsync(uri, ct);
        return await IsAliveAsync(peer, ct);
    }

    private static async Task<bool> AnswersAsync(MigrationContext context, TimeSpan patience, Func<CancellationToken, Task<bool>> ask, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(patience, context.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            return await ask(either.Token);
        }
        catch (Exception e) when (e is WherryException or PeerLostException || (e is OperationCanceledException && !ct.IsCancellationRequested))
        {
            return false;
        }
    }
}
