using System.Text.Json.Nodes;
using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// What the agent inside the guest does for us.
internal sealed partial class RemoteProgram
{
    private const uint PasswordEncrypted = 1;
    private const uint TimeSync = 1;
    private const uint KeysAppend = 1, KeysRemove = 2;

    [Procedure(RemoteProcedure.DomainSetUserPassword)]
    private async ValueTask DomainSetUserPassword(ServerCall call, DomainSetUserPasswordArgs args, CancellationToken ct)
    {
        CheckArgument(args.User is not null, "user", "virDomainSetUserPassword", "must not be NULL");
        CheckArgument(args.Password is not null, "password", "virDomainSetUserPassword", "must not be NULL");
        CheckFlags(args.Flags, PasswordEncrypted, "qemuDomainSetUserPassword");
        await Driver.SetUserPasswordAsync(
            Domain(call, args.Dom), args.User!, args.Password!, Has(args.Flags, PasswordEncrypted), Owner("DomainSetUserPassword"), ct);
    }

    [Procedure(RemoteProcedure.DomainFsfreeze)]
    private async ValueTask<DomainFsfreezeRet> DomainFsfreeze(ServerCall call, DomainFsfreezeArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainFSFreeze");
        var (command, arguments) = args.Mountpoints.IsEmpty
            ? ("guest-fsfreeze-freeze", null)
            : ("guest-fsfreeze-freeze-list", new JsonObject { ["mountpoints"] = new JsonArray([.. args.Mountpoints.Select(point => JsonValue.Create(point))]) });
        return new DomainFsfreezeRet(await Driver.CountByAgentAsync(Domain(call, args.Dom), command, arguments, Owner("DomainFSFreeze"), ct));
    }

    [Procedure(RemoteProcedure.DomainFsthaw)]
    private async ValueTask<DomainFsthawRet> DomainFsthaw(ServerCall call, DomainFsthawArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainFSThaw");
        if (!args.Mountpoints.IsEmpty)
            throw new WherryException(ErrorCode.ArgumentUnsupported, "specifying mountpoints is not supported");
        return new DomainFsthawRet(
            await Driver.CountByAgentAsync(Domain(call, args.Dom), "guest-fsfreeze-thaw", arguments: null, Owner("DomainFSThaw"), ct));
    }

    [Procedure(RemoteProcedure.DomainFstrim)]
    private async ValueTask DomainFstrim(ServerCall call, DomainFstrimArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainFSTrim");
        if (args.MountPoint is not null)
            throw new WherryException(ErrorCode.ArgumentUnsupported, "Specifying mount point is not supported for now");
        await Driver.AskAgentAsync(
            Domain(call, args.Dom), "guest-fstrim", new JsonObject { ["minimum"] = args.Minimum }, Owner("DomainFSTrim"), ct);
    }

    [Procedure(RemoteProcedure.DomainSetTime)]
    private async ValueTask DomainSetTime(ServerCall call, DomainSetTimeArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, TimeSync, "qemuDomainSetTime");
        await Driver.SetGuestTimeAsync(
            Domain(call, args.Dom), args.Seconds, args.Nseconds, Has(args.Flags, TimeSync), Owner("DomainSetTime"), ct);
    }

    [Procedure(RemoteProcedure.DomainAgentSetResponseTimeout)]
    private ValueTask<DomainAgentSetResponseTimeoutRet> DomainAgentSetResponseTimeout(
        ServerCall call, DomainAgentSetResponseTimeoutArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainAgentSetResponseTimeout");
        Qemu.Domains.QemuDriver.SetAgentPatience(Domain(call, args.Dom), args.Timeout);
        return new(new DomainAgentSetResponseTimeoutRet(0));
    }

    [Procedure(RemoteProcedure.DomainGetGuestVcpus)]
    private async ValueTask<DomainGetGuestVcpusRet> DomainGetGuestVcpus(ServerCall call, DomainGetGuestVcpusArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainGetGuestVcpus");
        var vcpus = await Driver.GetGuestVcpusAsync(Domain(call, args.Dom), Owner("DomainGetGuestVcpus"), ct);
        string Those(Func<Qemu.Domains.GuestVcpu, bool> which) => CpuList.Write([.. vcpus.Where(which).Select(vcpu => vcpu.Id)]);
        return new DomainGetGuestVcpusRet(
        [
            TypedParameter.String("vcpus", Those(_ => true)),
            TypedParameter.String("online", Those(vcpu => vcpu.IsOnline)),
            TypedParameter.String("offlinable", Those(vcpu => vcpu.CanOffline)),
        ]);
    }

    [Procedure(RemoteProcedure.DomainSetGuestVcpus)]
    private async ValueTask DomainSetGuestVcpus(ServerCall call, DomainSetGuestVcpusArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainSetGuestVcpus");
        if (args.State is not (0 or 1))
            throw WherryException.RefusedArgument("qemuDomainSetGuestVcpus", "state", "unsupported state value");
        await Driver.SetGuestVcpusAsync(
            Domain(call, args.Dom), CpuList.Parse(args.Cpumap), args.State == 1, Owner("DomainSetGuestVcpus"), ct);
    }

    [Procedure(RemoteProcedure.DomainAuthorizedSshKeysGet)]
    private async ValueTask<DomainAuthorizedSshKeysGetRet> DomainAuthorizedSshKeysGet(
        ServerCall call, DomainAuthorizedSshKeysGetArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainAuthorizedSSHKeysGet");
        var keys = await Driver.GetAuthorizedKeysAsync(Domain(call, args.Dom), args.User, Owner("DomainAuthorizedSshKeysGet"), ct);
        CheckCount(keys.Length, RemoteLimits.DomainAuthorizedSshKeys, "keys");
        return new DomainAuthorizedSshKeysGetRet(keys);
    }

    [Procedure(RemoteProcedure.DomainAuthorizedSshKeysSet)]
    private async ValueTask DomainAuthorizedSshKeysSet(ServerCall call, DomainAuthorizedSshKeysSetArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, KeysAppend | KeysRemove, "qemuDomainAuthorizedSSHKeysSet");
        await Driver.SetAuthorizedKeysAsync(
            Domain(call, args.Dom), args.User, args.Keys, remove: Has(args.Flags, KeysRemove), reset: !Has(args.Flags, KeysAppend),
            Owner("DomainAuthorizedSshKeysSet"), ct);
    }
}
