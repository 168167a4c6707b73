using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Wherry.Errors;
using Wherry.Rpc.Transports;

namespace Wherry.Rpc;

/// <summary>
/// Accepts clients and serves them.
/// <code>
///   RpcListener ... --accept--&gt; max_clients --&gt; ServerConnection (one task each) --&gt; Dispatcher --&gt; IRpcProgram
///
///   stop: listeners close -&gt; connections finish their calls in progress -&gt; deadline -&gt; calls are cancelled -&gt; connections are broken
/// </code>
/// </summary>
public sealed class RpcServer
{
    /// <summary>After a shortage of descriptors or memory. They come back from anywhere in the process, so there is nothing to await.</summary>
    private static readonly TimeSpan AcceptRetryDelay = TimeSpan.FromSeconds(1);

    /// <summary>For cancelled calls to tell their clients so, and then for broken connections to end.</summary>
    private static readonly TimeSpan CancelledCallsDeadline = TimeSpan.FromSeconds(1);

    private const string Ending = "the daemon ends";

    private readonly RpcServerOptions _options;
    private readonly IReadOnlyList<IRpcProgram> _programs;
    private readonly IReadOnlyList<RpcListener> _listeners;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ClientPlaces _clients;
    private readonly ClientPlaces _anonymousClients;
    private readonly RunningTasks _running = new();
    private readonly Lock _lock = new();
    private readonly HashSet<ServerConnection> _connections = [];

    /// <param name="listeners">Bound already; the server disposes of them when it ends.</param>
    public RpcServer(
        RpcServerOptions options, IReadOnlyList<IRpcProgram> programs, IReadOnlyList<RpcListener> listeners, TimeProvider time, ILogger logger)
    {
        _options = options;
        _programs = programs;
        _listeners = listeners;
        _time = time;
        _logger = logger;
        _clients = new ClientPlaces(options.MaxClients);
        _anonymousClients = new ClientPlaces(options.MaxAnonymousClients == 0 ? int.MaxValue : options.MaxAnonymousClients);
    }

    /// <summary>Until it completes clients connect and their calls wait. Cancelled: they are told that the daemon ends.</summary>
    public Task Ready { get; init; } = Task.CompletedTask;

    /// <summary>The sessions connected at this moment.</summary>
    public IReadOnlyList<ServerSession> Sessions
    {
        get
        {
            lock (_lock) return [.. _connections.Select(connection => connection.Session)];
        }
    }

    /// <summary>How many clients there may be and are. Those that are authenticated are not anonymous.</summary>
    public ClientCounts Clients => new(_clients.Limit, _clients.Taken, AnonymousLimit, _anonymousClients.Taken);

    /// <summary>Calls of all clients that have begun and whose reply is not on the wire, and those that wait for their turn.</summary>
    public (int InProgress, int Waiting) Calls
    {
        get
        {
            var (inProgress, waiting) = (0, 0);
            foreach (var connection in Connections())
            {
                var calls = connection.Calls;
                inProgress += calls.InProgress;
                waiting += calls.Waiting;
            }

            return (inProgress, waiting);
        }
    }

    /// <summary>Changes the limits while clients are connected; null leaves one as it is. Lower ones disturb nobody who is connected.</summary>
    /// <exception cref="WherryException">INVALID_ARG: more anonymous clients than clients.</exception>
    public void SetClientLimits(int? maxClients, int? maxAnonymousClients)
    {
        lock (_lock)
        {
            if ((maxClients ?? _clients.Limit) < (maxAnonymousClients ?? AnonymousLimit))
            {
                throw new WherryException(
                    ErrorCode.InvalidArg,
                    "The overall maximum number of clients waiting for authentication must not be less than the overall maximum number of clients",
                    ErrorDomain.Rpc);
            }

            if (maxClients is { } clients) _clients.Limit = clients;
            if (maxAnonymousClients is { } anonymous) _anonymousClients.Limit = anonymous == 0 ? int.MaxValue : anonymous;
        }
    }

    /// <summary>As it is configured: 0 for no limit of its own.</summary>
    private int AnonymousLimit => _anonymousClients.Limit is var limit and < int.MaxValue ? limit : 0;

    /// <summary>
    /// Serves until <paramref name="ct"/> is cancelled, then stops in order: no new clients, calls in progress get
    /// <paramref name="stopDeadline"/> to finish, the connections close.
    /// </summary>
    /// <exception cref="Exception">A listener failed. The others are stopped too: a daemon that nobody can reach must not look alive.</exception>
    public async Task RunAsync(TimeSpan stopDeadline, CancellationToken ct)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var callsStopping = new CancellationTokenSource();
        var context = new ServerContext(_options, new Dispatcher(_programs, Ready, _logger), _time, _logger, callsStopping.Token);

        var accepting = _listeners.Select(listener => AcceptAsync(listener, context, stopping.Token)).ToList();
        try
        {
            var ended = await Task.WhenAny(accepting).ConfigureAwait(false);
            await ended.ConfigureAwait(false);
        }
        finally
        {
            await stopping.CancelAsync().ConfigureAwait(false);
            foreach (var listener in _listeners) await listener.DisposeAsync().ConfigureAwait(false);
            await Task.WhenAll(accepting).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await StopAsync(stopDeadline, callsStopping).ConfigureAwait(false);
        }
    }

    private async Task AcceptAsync(RpcListener listener, ServerContext context, CancellationToken ct)
    {
        RpcLog.Listening(_logger, listener.Name, listener.IsReadOnly);
        try
        {
            while (true)
            {
                var transport = await AcceptOneAsync(listener, ct).ConfigureAwait(false);
                await ServeAsync(transport, listener, context, ct).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The orderly end.
        }
        catch (Exception e)
        {
            RpcLog.AcceptEnded(_logger, e, listener.Name);
            throw;
        }
    }

    private async Task<RpcTransport> AcceptOneAsync(RpcListener listener, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return await listener.AcceptAsync(ct).ConfigureAwait(false);
            }
            catch (AcceptDelayedException e)
            {
                RpcLog.AcceptDelayed(_logger, e.Message, AcceptRetryDelay);
                await Task.Delay(AcceptRetryDelay, _time, ct).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Starts serving one client. While a limit is reached it returns late, and the clients behind it wait in the listener's backlog, as
    /// with libvirt: a limit delays, it does not refuse.
    /// </summary>
    private async Task ServeAsync(RpcTransport transport, RpcListener listener, ServerContext context, CancellationToken ct)
    {
        var isAnonymous = listener.HasHandshake || !IsAuthenticated(transport.Peer, listener.Auth);
        try
        {
            await TakeAsync(_clients, "max_clients", listener, ct).ConfigureAwait(false);
            if (isAnonymous) await TakeAsync(_anonymousClients, "max_anonymous_clients", listener, ct).ConfigureAwait(false);
        }
        catch
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        if (listener.HasHandshake) _running.Run(() => ShakeHandsAsync(transport, listener, context, ct));
        else Serve(transport, listener, context, isAnonymous, ct);
    }

    /// <summary>Serves the client if its handshake succeeds in time, and otherwise logs why not.</summary>
    private async Task ShakeHandsAsync(RpcTransport accepted, RpcListener listener, ServerContext context, CancellationToken ct)
    {
        RpcTransport? secured = null;
        var reason = Ending;
        using var timeout = new CancellationTokenSource(_options.HandshakeTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        try
        {
            secured = await listener.HandshakeAsync(accepted, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            if (!ct.IsCancellationRequested) reason = $"no handshake within {_options.HandshakeTimeout.TotalSeconds} s";
        }
        catch (Exception e)
        {
            reason = e.InnerException is { } inner ? $"{e.Message} ({inner.Message})" : e.Message;
        }

        if (secured is null || ct.IsCancellationRequested)
        {
            RpcLog.HandshakeFailed(_logger, listener.Name, accepted.Peer, reason);
            if (secured is not null) await secured.DisposeAsync().ConfigureAwait(false);
            _clients.Release();
            _anonymousClients.Release();
            return;
        }

        var isAnonymous = !IsAuthenticated(secured.Peer, listener.Auth);
        if (!isAnonymous) _anonymousClients.Release();
        Serve(secured, listener, context, isAnonymous, ct);
    }

    private void Serve(RpcTransport transport, RpcListener listener, ServerContext context, bool isAnonymous, CancellationToken ct)
    {
        var connection = new ServerConnection(context, transport, listener.IsReadOnly, isAuthenticated: !isAnonymous);
        lock (_lock) _connections.Add(connection);
        _running.Run(() => connection.RunAsync(gone: () =>
        {
            lock (_lock) _connections.Remove(connection);
            _clients.Release();
            if (isAnonymous) _anonymousClients.Release();
        }));
        // A handshake may end just as the server does, when nobody looks for new connections any more.
        if (ct.IsCancellationRequested) connection.CloseAfterReplies(Ending);
    }

    private async ValueTask TakeAsync(ClientPlaces places, string limitName, RpcListener listener, CancellationToken ct)
    {
        if (places.TryTake()) return;
        RpcLog.ClientsWait(_logger, listener.Name, limitName, places.Limit);
        await places.TakeAsync(ct).ConfigureAwait(false);
    }

    private static bool IsAuthenticated(PeerIdentity peer, AuthScheme auth) => auth switch
    {
        AuthScheme.None => true,
        AuthScheme.PeerCredentials => peer.Uid is { } uid && (uid == 0 || uid == PeerCredentials.OwnUid),
        _ => throw new UnreachableException(auth.ToString()),
    };

    private async Task StopAsync(TimeSpan deadline, CancellationTokenSource callsStopping)
    {
        foreach (var connection in Connections()) connection.CloseAfterReplies(Ending);
        if (await EndedWithinAsync(deadline).ConfigureAwait(false)) return;

        await callsStopping.CancelAsync().ConfigureAwait(false);
        if (await EndedWithinAsync(CancelledCallsDeadline).ConfigureAwait(false)) return;

        foreach (var connection in Connections()) connection.Break(Ending);
        if (await EndedWithinAsync(CancelledCallsDeadline).ConfigureAwait(false)) return;
        RpcLog.StopTimedOut(_logger, deadline);
    }

    private IReadOnlyList<ServerConnection> Connections()
    {
        lock (_lock) return [.. _connections];
    }

    private async Task<bool> EndedWithinAsync(TimeSpan deadline)
    {
        try
        {
            await _running.WhenEmptyAsync().WaitAsync(deadline, _time).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }
}

/// <param name="Max"><c>max_clients</c>.</param>
/// <param name="MaxAnonymous"><c>max_anonymous_clients</c>; 0 for no limit of its own.</param>
public readonly record struct ClientCounts(int Max, int Connected, int MaxAnonymous, int Anonymous);
