using Wherry.Daemon.Events;
using Wherry.Rpc;

namespace Wherry.Daemon.Handlers;

/// <summary>What the daemon remembers of one connected client.</summary>
internal sealed class ClientState
{
    private ClientState(ServerSession session, DaemonContext context)
    {
        Session = session;
        Subscriptions = new EventSubscriptions(session);
        session.OnClosed(() =>
        {
            context.Events.Remove(Subscriptions);
            context.Migrations.ClientGone(session);
            return context.Driver.DestroyOwnedByAsync(session, CancellationToken.None);
        });
    }

    public ServerSession Session { get; }

    /// <summary>As given to CONNECT_OPEN; null before it and after CONNECT_CLOSE.</summary>
    public string? Uri { get; set; }

    public EventSubscriptions Subscriptions { get; }

    /// <summary>It wants to be told why the server closes its connection.</summary>
    public bool WantsCloseReason { get; set; }

    public static ClientState Of(ServerSession session, DaemonContext context) =>
        session.State(made => new ClientState(made, context));
}
