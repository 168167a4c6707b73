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

    /// <param name="context">What migrations have of this daemon.</param>
    /// <param name="host">Its name, for the error.</param>
    /// <param name="uuid">Its host UUID, as far as it has said. Whoever has its address, but says that it is another host, does not speak for it.</param>
    /// <param name="uri">Where its daemon can be reached; null when it did not say.</param>
    /// <param name="open">A connection to it; null when there is none.</param>
    /// <param name="ct">Stops asking.</param>
    /// <exception cref="WherryException">OperationInvalid: its daemon answers.</exception>
    public static async Task RequireAsync(MigrationContext context, string host, Guid? uuid, string? uri, IMigrationPeer? open, CancellationToken ct)
    {
        if (await HoldsAsync(context, Patience, t => IsAliveAsync(open, t), ct) || (uri is not null && await AnswersAsync(context, uuid, uri, ct)))
            throw new WherryException(ErrorCode.OperationInvalid, $"host '{host}' is not off: its daemon answers at {open?.Uri ?? uri}, and will say itself what became of the guest");
    }

    private static async Task<bool> AnswersAsync(MigrationContext context, Guid? uuid, string uri, CancellationToken ct)
    {
        var patience = PeerUri.Patience(uri, Patience);
        return uri != context.Host.PeerUri
            && await HoldsAsync(context, patience, t => CanBeReachedAsync(context, uri, t), ct)
            && !await HoldsAsync(context, patience, t => IsAnotherAsync(context, uuid, uri, t), ct);
    }

    private static async Task<bool> IsAliveAsync(IMigrationPeer? peer, CancellationToken ct) =>
        peer is not null && await peer.SupportsAsync(MigrationFeature.MigrationV3, ct);

    private static async Task<bool> CanBeReachedAsync(MigrationContext context, string uri, CancellationToken ct)
    {
        await using var peer = await context.Dialer.DialAsync(uri, ct);
        return await IsAliveAsync(peer, ct);
    }

    private static async Task<bool> IsAnotherAsync(MigrationContext context, Guid? uuid, string uri, CancellationToken ct)
    {
        await using var peer = await context.Dialer.DialAsync(uri, ct);
        return uuid is not null && await peer.HostUuidAsync(ct) is { } there && there != uuid;
    }

    private static async Task<bool> HoldsAsync(MigrationContext context, TimeSpan patience, Func<CancellationToken, Task<bool>> ask, CancellationToken ct)
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
