namespace Wherry.Qemu.Migration;

/// <summary>What a caller of the migration procedures may ask for. Values are libvirt's virDomainMigrateFlags.</summary>
[Flags]
public enum MigrationFlags : uint
{
    None = 0,
    Live = 1 << 0,
    PeerToPeer = 1 << 1,
    Tunnelled = 1 << 2,
    PersistDestination = 1 << 3,
    UndefineSource = 1 << 4,
    Paused = 1 << 5,
    NonSharedDisk = 1 << 6,
    NonSharedIncremental = 1 << 7,
    ChangeProtection = 1 << 8,
    Unsafe = 1 << 9,
    Offline = 1 << 10,
    Compressed = 1 << 11,
    AbortOnError = 1 << 12,
    AutoConverge = 1 << 13,
    RdmaPinAll = 1 << 14,
    PostCopy = 1 << 15,
    Tls = 1 << 16,
    Parallel = 1 << 17,
    NonSharedSynchronousWrites = 1 << 18,
    PostCopyResume = 1 << 19,
    ZeroCopy = 1 << 20,
}

/// <summary>Facts about flag sets that more than one phase needs.</summary>
public static class MigrationFlagRules
{
    /// <summary>The flags this version carries out. The rest are refused by name, never ignored.</summary>
    public const MigrationFlags Supported =
        MigrationFlags.Live | MigrationFlags.PeerToPeer | MigrationFlags.PersistDestination | MigrationFlags.UndefineSource
        | MigrationFlags.Paused | MigrationFlags.NonSharedDisk | MigrationFlags.NonSharedIncremental | MigrationFlags.ChangeProtection
        | MigrationFlags.Tunnelled | MigrationFlags.Unsafe | MigrationFlags.Offline | MigrationFlags.Compressed | MigrationFlags.AbortOnError | MigrationFlags.AutoConverge
        | MigrationFlags.PostCopy | MigrationFlags.Tls | MigrationFlags.Parallel | MigrationFlags.NonSharedSynchronousWrites
        | MigrationFlags.PostCopyResume | MigrationFlags.ZeroCopy;

    /// <summary>What the driver of the phases must not pass on to the destination (libvirt strips the same two).</summary>
    public static MigrationFlags ForDestination(this MigrationFlags flags) =>
        flags & ~(MigrationFlags.AbortOnError | MigrationFlags.AutoConverge);

    /// <summary>True when disks are copied over NBD rather than shared.</summary>
    public static bool CopiesDisks(this MigrationFlags flags) =>
        (flags & (MigrationFlags.NonSharedDisk | MigrationFlags.NonSharedIncremental)) != 0;

    /// <summary>Refuses flag sets that contradict themselves or ask for what is not there, in libvirt's words. Source: migration.md A3,
    /// qemu_migration.c and, for what clients check before, libvirt-domain.c.</summary>
    /// <exception cref="WherryException">InvalidArg, OperationInvalid or ArgumentUnsupported, naming the flags.</exception>
    public static void Validate(MigrationFlags flags)
    {
        const uint known = (1u << 21) - 1;
        if (((uint)flags & ~known) != 0)
            throw new WherryException(ErrorCode.InvalidArg, $"unsupported flags (0x{(uint)flags & ~known:x}) in migration");

        RefuseTogether(flags, MigrationFlags.NonSharedDisk, MigrationFlags.NonSharedIncremental);
        RefuseTogether(flags, MigrationFlags.Tunnelled, MigrationFlags.Parallel);
        if (flags.HasFlag(MigrationFlags.NonSharedSynchronousWrites) && !flags.CopiesDisks())
        {
            throw new WherryException(
                ErrorCode.InvalidArg, "migration flag NonSharedSynchronousWrites needs a disk copy (NonSharedDisk or NonSharedIncremental)");
        }

        RequirePossiblePostCopy(flags);
        if (flags.HasFlag(MigrationFlags.Offline))
            RequirePossibleOffline(flags);
        if (flags.HasFlag(MigrationFlags.ZeroCopy) && !flags.HasFlag(MigrationFlags.Parallel))
            throw new WherryException(ErrorCode.OperationInvalid, "zero-copy is only available for parallel migration");
        if (flags.HasFlag(MigrationFlags.Tunnelled) && !flags.HasFlag(MigrationFlags.PeerToPeer))
            throw new WherryException(ErrorCode.OperationInvalid, "cannot perform tunnelled migration without using peer2peer flag");
        if (flags.HasFlag(MigrationFlags.Tunnelled) && flags.CopiesDisks())
        {
            throw new WherryException(
                ErrorCode.OperationUnsupported, "migration of non-shared storage is not supported with tunnelled migration and this QEMU");
        }

        var missing = flags & ~Supported;
        if (missing != 0)
            throw new WherryException(ErrorCode.ArgumentUnsupported, $"migration flags {missing} are not supported by this host");
    }

    private static void RequirePossiblePostCopy(MigrationFlags flags)
    {
        if (flags.HasFlag(MigrationFlags.PostCopyResume) && !flags.HasFlag(MigrationFlags.PostCopy))
            throw new WherryException(ErrorCode.ArgumentUnsupported, "resuming failed post-copy migration requires post-copy to be enabled");
        if (!flags.HasFlag(MigrationFlags.PostCopy))
            return;
        if (!flags.HasFlag(MigrationFlags.Live) || flags.HasFlag(MigrationFlags.Paused))
            throw new WherryException(ErrorCode.ArgumentUnsupported, "post-copy migration is not supported with non-live or paused migration");
        if (flags.HasFlag(MigrationFlags.Tunnelled))
            throw new WherryException(ErrorCode.ArgumentUnsupported, "post-copy is not supported with tunnelled migration");
    }

    private static void RequirePossibleOffline(MigrationFlags flags)
    {
        if (flags.CopiesDisks())
            throw new WherryException(ErrorCode.OperationInvalid, "offline migration cannot handle non-shared storage");
        if (!flags.HasFlag(MigrationFlags.PersistDestination))
            throw new WherryException(ErrorCode.OperationInvalid, "offline migration must be specified with the persistent flag set");
        if (flags.HasFlag(MigrationFlags.Tunnelled))
            throw new WherryException(ErrorCode.OperationInvalid, "tunnelled offline migration does not make sense");
    }

    private static void RefuseTogether(MigrationFlags flags, MigrationFlags one, MigrationFlags other)
    {
        if (flags.HasFlag(one) && flags.HasFlag(other))
            throw new WherryException(ErrorCode.InvalidArg, $"migration flags {one} and {other} are mutually exclusive");
    }
}
