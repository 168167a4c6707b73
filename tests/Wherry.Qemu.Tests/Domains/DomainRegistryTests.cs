using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Domains.Jobs;

namespace Wherry.Qemu.Tests.Domains;

public class DomainRegistryTests
{
    private static readonly Guid One = Guid.Parse("11111111-1111-4111-8111-111111111111");
    private static readonly Guid Two = Guid.Parse("22222222-2222-4222-8222-222222222222");

    private sealed class NoEvents : IDomainEventSink
    {
        public void Publish(DomainIdentity domain, DomainEvent happened)
        {
        }
    }

    private static Domain New(string name, Guid uuid) =>
        new(new DomainSnapshot { Name = name, Uuid = uuid }, new NoEvents(), JobLimits.Default, TimeProvider.System);

    [Fact]
    public void A_name_or_uuid_of_another_domain_is_refused_in_libvirts_words()
    {
        var registry = new DomainRegistry();
        registry.GetOrAdd("web1", One, () => New("web1", One), out var added);
        Assert.True(added);
        var uuidTaken = Assert.Throws<WherryException>(() => registry.GetOrAdd("web2", One, () => New("web2", One), out _));
        Assert.Equal($"operation failed: domain 'web1' is already defined with uuid {One}", uuidTaken.Message);
        var nameTaken = Assert.Throws<WherryException>(() => registry.GetOrAdd("web1", Two, () => New("web1", Two), out _));
        Assert.Equal($"operation failed: domain 'web1' already exists with uuid {One}", nameTaken.Message);
        Assert.Equal((ErrorCode.OperationFailed, ErrorDomain.Domain), (nameTaken.Code, nameTaken.Domain));
        Assert.Equal(1, registry.Count);
    }

    [Fact]
    public void The_same_name_and_uuid_is_the_same_domain()
    {
        var registry = new DomainRegistry();
        var first = registry.GetOrAdd("web1", One, () => New("web1", One), out _);
        Assert.Same(first, registry.GetOrAdd("web1", One, () => throw new InvalidOperationException(), out var added));
        Assert.False(added);
    }

    [Fact]
    public void A_removed_domain_is_not_found_and_its_name_is_free()
    {
        var registry = new DomainRegistry();
        var gone = registry.GetOrAdd("web1", One, () => New("web1", One), out _);
        registry.Remove(gone);
        Assert.Null(registry.Find("web1"));
        Assert.Null(registry.Find(One));
        registry.GetOrAdd("web1", Two, () => New("web1", Two), out var added);
        Assert.True(added);
        registry.Remove(gone); // late, must not remove its successor
        Assert.NotNull(registry.Find("web1"));
    }

    [Fact]
    public void Numbers_of_running_domains_are_not_used_twice_and_start_above_reattached_ones()
    {
        var registry = new DomainRegistry();
        registry.ReserveId(7);
        registry.ReserveId(3);
        Assert.Equal(8, registry.NextId());
        Assert.Equal(9, registry.NextId());
    }
}
