using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Wherry.Daemon.Handlers;
using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Storage;
using Wherry.Rpc;
using Wherry.Wire.QemuProgram;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Events;

/// <summary>
/// What one connection has subscribed to.
/// <code>
///   105/106, 167/168   legacy: one message per event kind, whoever asked how often        -> DOMAIN_EVENT_*
///   316/317            callback: one message per registration, for all domains or for one  -> DOMAIN_EVENT_CALLBACK_*
///   313/314, 368...    callback: the same for networks, storage pools, host devices and secrets        -> STORAGE_POOL_EVENT_*
///   qemu 4/5           QMP events by name or pattern                                        -> QEMU DOMAIN_MONITOR_EVENT
/// </code>
/// </summary>
internal sealed class EventSubscriptions(ServerSession session)
{
    /// <summary>As many callbacks as one connection may register; libvirt has no limit, a client has some ten.</summary>
    private const int MaxCallbacks = 1024;

    /// <summary>A pattern is a client's text: one that takes longer is refused by not matching.</summary>
    private static readonly TimeSpan PatternLimit = TimeSpan.FromMilliseconds(50);

    private readonly Lock _gate = new();
    private volatile ImmutableList<Callback> _callbacks = [];
    private volatile ImmutableList<MonitorCallback> _monitorCallbacks = [];
    private volatile ImmutableList<ObjectCallback> _objectCallbacks = [];
    private ImmutableHashSet<int> _legacy = [];
    private int _lastId;

    public void AddLegacy(int eventId)
    {
        lock (_gate)
        {
            if (_legacy.Contains(eventId))
                throw new WherryException(ErrorCode.InternalError, $"domain event {eventId} already registered", ErrorDomain.Rpc);
            _legacy = _legacy.Add(eventId);
        }
    }

    public void RemoveLegacy(int eventId)
    {
        lock (_gate)
        {
            if (!_legacy.Contains(eventId))
                throw new WherryException(ErrorCode.InternalError, $"domain event {eventId} not registered", ErrorDomain.Rpc);
            _legacy = _legacy.Remove(eventId);
        }
    }

    /// <param name="domain">Null for all domains.</param>
    /// <returns>The callback's id, in each of its messages.</returns>
    public int Add(int eventId, Guid? domain)
    {
        lock (_gate)
        {
            CheckCount();
            _callbacks = _callbacks.Add(new Callback(_lastId, eventId, domain));
            return _lastId++;
        }
    }

    /// <param name="pattern">Null for all events.</param>
    public int AddMonitor(Guid? domain, string? pattern, bool isRegex, bool ignoreCase)
    {
        var matches = Matcher(pattern, isRegex, ignoreCase);
        lock (_gate)
        {
            CheckCount();
            _monitorCallbacks = _monitorCallbacks.Add(new MonitorCallback(_lastId, domain, matches));
            return _lastId++;
        }
    }

    public void Remove(int callbackId)
    {
        lock (_gate)
        {
            if (!_callbacks.Exists(callback => callback.Id == callbackId))
                throw new WherryException(ErrorCode.InternalError, $"domain event callback {callbackId} not registered", ErrorDomain.Rpc);
            _callbacks = _callbacks.RemoveAll(callback => callback.Id == callbackId);
        }
    }

    public void RemoveMonitor(int callbackId)
    {
        lock (_gate)
        {
            if (!_monitorCallbacks.Exists(callback => callback.Id == callbackId))
                throw new WherryException(ErrorCode.InternalError, $"qemu monitor event callback {callbackId} not registered", ErrorDomain.Rpc);
            _monitorCallbacks = _monitorCallbacks.RemoveAll(callback => callback.Id == callbackId);
        }
    }

    /// <param name="uuid">Null for all objects of the kind.</param>
    /// <returns>The callback's id, in each of its messages.</returns>
    public int Add(ObjectKind kind, int eventId, Guid? uuid)
    {
        lock (_gate)
        {
            CheckCount();
            _objectCallbacks = _objectCallbacks.Add(new ObjectCallback(_lastId, kind, eventId, uuid));
            return _lastId++;
        }
    }

    /// <param name="name">libvirt's name of such objects, in the error.</param>
    public void Remove(ObjectKind kind, int callbackId, string name)
    {
        lock (_gate)
        {
            if (!_objectCallbacks.Exists(callback => callback.Id == callbackId && callback.Kind == kind))
                throw new WherryException(ErrorCode.InternalError, $"{name} event callback {callbackId} not registered", ErrorDomain.Rpc);
            _objectCallbacks = _objectCallbacks.RemoveAll(callback => callback.Id == callbackId);
        }
    }

    public void Deliver(StoragePool pool, StoragePoolChange change)
    {
        const int Lifecycle = 0, Refresh = 1;
        var name = new NonnullStoragePool(pool.Name, pool.Uuid);
        var eventId = change == StoragePoolChange.Refreshed ? Refresh : Lifecycle;
        foreach (var callback in _objectCallbacks)
        {
            if (callback.Kind != ObjectKind.StoragePool || callback.EventId != eventId || (callback.Uuid is { } uuid && uuid != pool.Uuid))
                continue;
            if (eventId == Refresh)
                session.SendEvent(
                    RemoteProcedure.Program, RemoteProcedure.Version, RemoteProcedure.StoragePoolEventRefresh,
                    new StoragePoolEventRefreshMsg(callback.Id, name));
            else
                session.SendEvent(
                    RemoteProcedure.Program, RemoteProcedure.Version, RemoteProcedure.StoragePoolEventLifecycle,
                    new StoragePoolEventLifecycleMsg(callback.Id, name, (int)change, 0));
        }
    }

    public void Deliver(DomainIdentity domain, DomainEvent happened)
    {
        if (happened is DomainEvent.Monitor monitor)
        {
            DeliverMonitor(domain, monitor);
            return;
        }
        foreach (var message in EventMessages.Of(RemoteProgram.Name(domain), happened))
        {
            if (Volatile.Read(ref _legacy).Contains(message.EventId))
                message.SendLegacy(session);
            foreach (var callback in _callbacks)
            {
                if (callback.EventId == message.EventId && (callback.Domain is null || callback.Domain == domain.Uuid))
                    message.SendCallback(session, callback.Id);
            }
        }
    }

    private void DeliverMonitor(DomainIdentity domain, DomainEvent.Monitor happened)
    {
        foreach (var callback in _monitorCallbacks)
        {
            if ((callback.Domain is null || callback.Domain == domain.Uuid) && callback.Matches(happened.Name))
                session.SendEvent(QemuProcedure.Program, QemuProcedure.Version, QemuProcedure.DomainMonitorEvent, new QemuDomainMonitorEventMsg(
                    callback.Id, RemoteProgram.Name(domain), happened.Name, happened.Seconds, happened.Microseconds, happened.Data));
        }
    }

    private void CheckCount()
    {
        if (_callbacks.Count + _monitorCallbacks.Count + _objectCallbacks.Count >= MaxCallbacks)
            throw new WherryException(ErrorCode.InternalError, $"more than {MaxCallbacks} event callbacks on one connection", ErrorDomain.Rpc);
    }

    private static Func<string, bool> Matcher(string? pattern, bool isRegex, bool ignoreCase)
    {
        if (pattern is null)
            return _ => true;
        if (!isRegex)
        {
            var comparison = ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
            return name => name.Equals(pattern, comparison);
        }
        try
        {
            var options = RegexOptions.CultureInvariant | (ignoreCase ? RegexOptions.IgnoreCase : RegexOptions.None);
            var regex = new Regex(pattern, options, PatternLimit);
            return name => IsMatch(regex, name);
        }
        catch (ArgumentException e)
        {
            throw new WherryException(ErrorCode.InvalidArg, $"failed to compile regex '{pattern}': {e.Message}", inner: e);
        }
    }

    private static bool IsMatch(Regex regex, string name)
    {
        try
        {
            return regex.IsMatch(name);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }

    private sealed record Callback(int Id, int EventId, Guid? Domain);

    private sealed record MonitorCallback(int Id, Guid? Domain, Func<string, bool> Matches);

    private sealed record ObjectCallback(int Id, ObjectKind Kind, int EventId, Guid? Uuid);
}

/// <summary>What has events and is no domain.</summary>
internal enum ObjectKind
{
    Network,
    StoragePool,
    NodeDevice,
    Secret,
}
