using System.Collections.Immutable;

namespace Wherry.Qemu.Domains;

/// <summary>
/// All domains of this daemon. Lookups read one immutable index and wait for nobody; a name and a UUID are taken together or not at all.
/// </summary>
public sealed class DomainRegistry
{
    private readonly Lock _gate = new();
    private volatile Index _index = new(
        ImmutableDictionary<Guid, Domain>.Empty,
        ImmutableDictionary<string, Domain>.Empty.WithComparers(StringComparer.Ordinal));
    private int _lastId;

    public IEnumerable<Domain> All => _index.ByUuid.Values;

    public int Count => _index.ByUuid.Count;

    public Domain? Find(Guid uuid) => _index.ByUuid.GetValueOrDefault(uuid);

    public Domain? Find(string name) => _index.ByName.GetValueOrDefault(name);

    /// <summary>A running domain by its number; linear, because nothing but <c>virsh domname 5</c> asks so.</summary>
    public Domain? FindById(int id) => id < 0 ? null : _index.ByUuid.Values.FirstOrDefault(domain => domain.Snapshot.Id == id);

    /// <summary>Numbers of running domains start at 1 and are not used twice while the daemon lives.</summary>
    public int NextId() => Interlocked.Increment(ref _lastId);

    /// <summary>A domain re-attached after a restart keeps its number: new ones start above it.</summary>
    public void ReserveId(int id)
    {
        for (var seen = Volatile.Read(ref _lastId); seen < id; seen = Volatile.Read(ref _lastId))
            Interlocked.CompareExchange(ref _lastId, id, seen);
    }

    /// <summary>The domain of this name and UUID: the existing one, or the one that <paramref name="create"/> makes.</summary>
    /// <param name="added">Whether it was created here.</param>
    /// <exception cref="WherryException">OperationFailed: one of the two belongs to another domain.</exception>
    public Domain GetOrAdd(string name, Guid uuid, Func<Domain> create, out bool added)
    {
        lock (_gate)
        {
            if (_index.ByUuid.TryGetValue(uuid, out var existing))
            {
                if (existing.Name != name)
                    throw Clash($"domain '{existing.Name}' is already defined with uuid {uuid}");
                added = false;
                return existing;
            }
            if (_index.ByName.TryGetValue(name, out existing))
                throw Clash($"domain '{name}' already exists with uuid {existing.Uuid}");
            var domain = create();
            _index = new Index(_index.ByUuid.Add(uuid, domain), _index.ByName.Add(name, domain));
            added = true;
            return domain;
        }
    }

    /// <summary>Gives a domain a second name, so that a rename never leaves it without one.</summary>
    /// <exception cref="WherryException">OperationInvalid: the name is taken.</exception>
    public void AddName(Domain domain, string name)
    {
        lock (_gate)
        {
            if (_index.ByName.ContainsKey(name))
                throw new WherryException(ErrorCode.OperationInvalid, $"domain with name '{name}' already exists", ErrorDomain.Domain);
            _index = _index with { ByName = _index.ByName.Add(name, domain) };
        }
    }

    /// <summary>Takes back the name that a domain does not have any more, or was not given after all.</summary>
    public void RemoveName(Domain domain, string name)
    {
        lock (_gate)
        {
            if (_index.ByName.GetValueOrDefault(name) == domain)
                _index = _index with { ByName = _index.ByName.Remove(name) };
        }
    }

    /// <summary>Forgets the domain, unless another one has taken its place already.</summary>
    public void Remove(Domain domain)
    {
        lock (_gate)
        {
            if (_index.ByUuid.GetValueOrDefault(domain.Uuid) == domain)
                _index = new Index(_index.ByUuid.Remove(domain.Uuid), _index.ByName.Remove(domain.Name));
        }
    }

    private static WherryException Clash(string text) => new(ErrorCode.OperationFailed, text, ErrorDomain.Domain);

    private sealed record Index(ImmutableDictionary<Guid, Domain> ByUuid, ImmutableDictionary<string, Domain> ByName);
}
