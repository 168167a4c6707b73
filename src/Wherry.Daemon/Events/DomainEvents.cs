using Wherry.Qemu.Domains;
using Wherry.Qemu.Storage;

namespace Wherry.Daemon.Events;

/// <summary>
/// Hands each event to every subscribed connection, in the order of the state changes. Nothing waits here: a connection's queue is
/// bounded, and a client that does not read it is cut off by the RPC layer with the reason in the log.
/// </summary>
internal sealed class DomainEvents : IDomainEventSink
{
    private readonly Lock _gate = new();
    private volatile EventSubscriptions[] _subscribers = [];

    public void Publish(DomainIdentity domain, DomainEvent happened)
    {
        foreach (var subscriber in _subscribers)
            subscriber.Deliver(domain, happened);
    }

    public void Publish(StoragePool pool, StoragePoolChange change)
    {
        foreach (var subscriber in _subscribers)
            subscriber.Deliver(pool, change);
    }

    /// <summary>Idempotent: a connection is listed once however much it subscribes to.</summary>
    public void Add(EventSubscriptions subscriber)
    {
        lock (_gate)
        {
            if (!_subscribers.Contains(subscriber))
                _subscribers = [.. _subscribers, subscriber];
        }
    }

    public void Remove(EventSubscriptions subscriber)
    {
        lock (_gate)
            _subscribers = [.. _subscribers.Where(other => other != subscriber)];
    }
}
