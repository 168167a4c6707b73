using Wherry.Qemu.Domains;

namespace Wherry.Daemon.Handlers;

/// <summary>
/// The filters of <c>virsh list</c> (VIR_CONNECT_LIST_DOMAINS_*). Flags come in groups; within a group they are alternatives, groups
/// are all required, and a group without a flag admits everything.
/// </summary>
internal static class DomainListFilter
{
    private const uint Active = 1 << 0, Inactive = 1 << 1;
    private const uint Persistent = 1 << 2, Transient = 1 << 3;
    private const uint Running = 1 << 4, Paused = 1 << 5, Shutoff = 1 << 6, Other = 1 << 7;
    private const uint ManagedSave = 1 << 8, NoManagedSave = 1 << 9;
    private const uint Autostart = 1 << 10, NoAutostart = 1 << 11;
    private const uint HasSnapshot = 1 << 12, NoSnapshot = 1 << 13;
    private const uint HasCheckpoint = 1 << 14, NoCheckpoint = 1 << 15;

    public const uint KnownFlags = (1 << 16) - 1;

    public static bool Admits(uint flags, DomainSnapshot domain) =>
        Group(flags, Active | Inactive, domain.IsActive ? Active : Inactive)
        && Group(flags, Persistent | Transient, domain.IsPersistent ? Persistent : Transient)
        && Group(flags, Running | Paused | Shutoff | Other, domain.Status.State switch
        {
            DomainState.Running => Running,
            DomainState.Paused => Paused,
            DomainState.Shutoff => Shutoff,
            _ => Other,
        })
        && Group(flags, ManagedSave | NoManagedSave, NoManagedSave)
        && Group(flags, Autostart | NoAutostart, domain.Autostart ? Autostart : NoAutostart)
        && Group(flags, HasSnapshot | NoSnapshot, NoSnapshot)
        && Group(flags, HasCheckpoint | NoCheckpoint, NoCheckpoint);

    private static bool Group(uint flags, uint group, uint own) => (flags & group) == 0 || (flags & own) != 0;
}
