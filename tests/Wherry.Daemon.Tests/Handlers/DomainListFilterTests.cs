using Wherry.Daemon.Handlers;
using Wherry.Qemu.Domains;

namespace Wherry.Daemon.Tests.Handlers;

public class DomainListFilterTests
{
    private static readonly DomainSnapshot Off = new() { Name = "off", Uuid = Guid.NewGuid(), Autostart = true };

    private static readonly DomainSnapshot Paused =
        Off with { Name = "paused", Id = 3, Status = DomainStatus.Paused(PausedReason.User), Autostart = false };

    [Theory]
    [InlineData(0u, true, true)] // no flag: everything
    [InlineData(1u, false, true)] // active
    [InlineData(2u, true, false)] // inactive
    [InlineData(3u, true, true)] // alternatives of one group
    [InlineData(4u, false, false)] // persistent: neither has a definition here
    [InlineData(8u, true, true)] // transient
    [InlineData(32u, false, true)] // paused
    [InlineData(64u, true, false)] // shut off
    [InlineData(16u | 64u, true, false)]
    [InlineData(1u | 64u, false, false)] // groups are all required
    [InlineData(1024u, true, false)] // autostart
    [InlineData(256u, false, false)] // managed save: nobody has one
    [InlineData(512u | 8192u | 32768u, true, true)]
    public void Flags_of_one_group_are_alternatives_and_groups_are_all_required(uint flags, bool off, bool paused)
    {
        Assert.Equal(off, DomainListFilter.Admits(flags, Off));
        Assert.Equal(paused, DomainListFilter.Admits(flags, Paused));
    }
}
