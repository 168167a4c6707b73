using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh migrate-setspeed, -getspeed, -setmaxdowntime, -getmaxdowntime and -compcache: before a migration, or while it runs.
internal sealed partial class RemoteProgram
{
    private const uint SpeedOfPostCopy = 1;
    private const ulong LargestSpeedMiBps = long.MaxValue / MiB, LargestPostCopySpeedMiBps = ulong.MaxValue / MiB;
    private const ulong MiB = 1024 * 1024;

    [Procedure(RemoteProcedure.DomainMigrateSetMaxSpeed)]
    private async ValueTask DomainMigrateSetMaxSpeed(ServerCall call, DomainMigrateSetMaxSpeedArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, SpeedOfPostCopy, "qemuDomainMigrateSetMaxSpeed");
        var domain = Domain(call, args.Dom);
        var postCopy = Has(args.Flags, SpeedOfPostCopy);
        var largest = postCopy ? LargestPostCopySpeedMiBps : LargestSpeedMiBps;
        if (args.Bandwidth > largest)
            throw new WherryException(ErrorCode.Overflow, $"bandwidth must be less than {largest + 1}");
        if (postCopy)
            await Driver.SetPostCopySpeedAsync(domain, args.Bandwidth, Owner("DomainMigrateSetMaxSpeed"), ct);
        else
        {
            await Driver.SetMigrationSpeedAsync(domain, args.Bandwidth, Owner("DomainMigrateSetMaxSpeed"), ct);
            await Migrations.LimitAsync(domain, args.Bandwidth, ct);
        }
    }

    [Procedure(RemoteProcedure.DomainMigrateGetMaxSpeed)]
    private async ValueTask<DomainMigrateGetMaxSpeedRet> DomainMigrateGetMaxSpeed(ServerCall call, DomainMigrateGetMaxSpeedArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, SpeedOfPostCopy, "qemuDomainMigrateGetMaxSpeed");
        var domain = Domain(call, args.Dom);
        return new(Has(args.Flags, SpeedOfPostCopy)
            ? (await Driver.AskMigrationAsync(domain, Owner("DomainMigrateGetMaxSpeed"), ct)).PostCopySpeedMiBps
            : domain.MigrationSpeedMiBps == 0 ? LargestSpeedMiBps : domain.MigrationSpeedMiBps);
    }

    [Procedure(RemoteProcedure.DomainMigrateSetMaxDowntime)]
    private async ValueTask DomainMigrateSetMaxDowntime(ServerCall call, DomainMigrateSetMaxDowntimeArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainMigrateSetMaxDowntime");
        await Driver.SetMigrationDowntimeAsync(Domain(call, args.Dom), args.Downtime, Owner("DomainMigrateSetMaxDowntime"), ct);
    }

    [Procedure(RemoteProcedure.DomainMigrateGetMaxDowntime)]
    private async ValueTask<DomainMigrateGetMaxDowntimeRet> DomainMigrateGetMaxDowntime(
        ServerCall call, DomainMigrateGetMaxDowntimeArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainMigrateGetMaxDowntime");
        return new((await Driver.AskMigrationAsync(Domain(call, args.Dom), Owner("DomainMigrateGetMaxDowntime"), ct)).DowntimeMs);
    }

    [Procedure(RemoteProcedure.DomainMigrateSetCompressionCache)]
    private async ValueTask DomainMigrateSetCompressionCache(ServerCall call, DomainMigrateSetCompressionCacheArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainMigrateSetCompressionCache");
        await Driver.SetXbzrleCacheAsync(Domain(call, args.Dom), args.CacheSize, Owner("DomainMigrateSetCompressionCache"), ct);
    }

    [Procedure(RemoteProcedure.DomainMigrateGetCompressionCache)]
    private async ValueTask<DomainMigrateGetCompressionCacheRet> DomainMigrateGetCompressionCache(
        ServerCall call, DomainMigrateGetCompressionCacheArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainMigrateGetCompressionCache");
        return new((await Driver.AskMigrationAsync(Domain(call, args.Dom), Owner("DomainMigrateGetCompressionCache"), ct)).XbzrleCacheBytes);
    }
}
