using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

/// <summary>
/// Migration versions 1 and 2, of which direct migration is one: a client has one host send its guest to another by hand, and nobody learns how
/// it ended. Refused by name, with what to do instead. libvirt's QEMU driver has version 2 still, and its clients since 0.9.2 prefer 3.
/// </summary>
internal sealed partial class RemoteProgram
{
    private const string Advice = "use --p2p or a managed migration of version 3";

    [Procedure(RemoteProcedure.DomainMigratePrepare)]
    private ValueTask<DomainMigratePrepareRet> DomainMigratePrepare(ServerCall call, DomainMigratePrepareArgs args, CancellationToken ct) =>
        throw Outdated(call, "virDomainMigratePrepare");

    [Procedure(RemoteProcedure.DomainMigratePrepare2)]
    private ValueTask<DomainMigratePrepare2Ret> DomainMigratePrepare2(ServerCall call, DomainMigratePrepare2Args args, CancellationToken ct) =>
        throw Outdated(call, "virDomainMigratePrepare2");

    [Procedure(RemoteProcedure.DomainMigratePrepareTunnel)]
    private ValueTask DomainMigratePrepareTunnel(ServerCall call, DomainMigratePrepareTunnelArgs args, CancellationToken ct) =>
        throw Outdated(call, "virDomainMigratePrepareTunnel");

    /// <summary>The words are those of libvirt's own clients, which do not even ask a host without the feature.</summary>
    [Procedure(RemoteProcedure.DomainMigratePerform)]
    private ValueTask DomainMigratePerform(ServerCall call, DomainMigratePerformArgs args, CancellationToken ct)
    {
        Domain(call, args.Dom);
        throw new WherryException(ErrorCode.ArgumentUnsupported, $"direct migration is not supported by the source host: {Advice}");
    }

    [Procedure(RemoteProcedure.DomainMigrateFinish)]
    private ValueTask<DomainMigrateFinishRet> DomainMigrateFinish(ServerCall call, DomainMigrateFinishArgs args, CancellationToken ct) =>
        throw Outdated(call, "virDomainMigrateFinish");

    [Procedure(RemoteProcedure.DomainMigrateFinish2)]
    private ValueTask<DomainMigrateFinish2Ret> DomainMigrateFinish2(ServerCall call, DomainMigrateFinish2Args args, CancellationToken ct) =>
        throw Outdated(call, "virDomainMigrateFinish2");

    private WherryException Outdated(ServerCall call, string function)
    {
        Client(call);
        return new WherryException(ErrorCode.NoSupport, $"{function}: {Advice}", ErrorDomain.Domain);
    }
}
