using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Xml;

namespace Wherry.Daemon.Handlers;

// How much disks and interfaces may carry: virsh blkdeviotune and domiftune.
internal sealed partial class RemoteProgram
{
    /// <summary>libvirt's bound of a disk's limits.</summary>
    private const ulong MaxIoLimit = 1_000_000_000_000_000;

    private static readonly Dictionary<string, TypedParameterType> IoTuneTypes = IoTuneSpec.Fields.ToDictionary(
        field => field, field => field == IoTuneSpec.Group ? TypedParameterType.String : TypedParameterType.ULLong);

    private static readonly ImmutableArray<string> BandwidthFields =
        ["inbound.average", "inbound.peak", "inbound.burst", "inbound.floor", "outbound.average", "outbound.peak", "outbound.burst"];

    private static readonly Dictionary<string, TypedParameterType> BandwidthTypes = BandwidthFields.ToDictionary(field => field, _ => TypedParameterType.UInt);

    [Procedure(RemoteProcedure.DomainGetBlockIoTune)]
    private async ValueTask<DomainGetBlockIoTuneRet> DomainGetBlockIoTune(ServerCall call, DomainGetBlockIoTuneArgs args, CancellationToken ct)
    {
        CheckArgument(args.Nparams == 0 || args.Disk is not null, "disk", "virDomainGetBlockIoTune", "must not be NULL");
        var domain = ReadTuning(
            call, args.Dom, args.Nparams, args.Flags, "virDomainGetBlockIoTune", "qemuDomainGetBlockIoTune", RemoteLimits.DomainBlockIoTuneParameters);
        var snapshot = domain.Snapshot;
        var definition = Affect(args.Flags).Of(snapshot);
        if (args.Nparams == 0)
            return new DomainGetBlockIoTuneRet([], IoTuneSpec.Fields.Length);
        var path = args.Disk!; // checked above
        var tune = definition == snapshot.Live
            ? await Driver.AskIoTuneAsync(domain, path, Owner("DomainGetBlockIoTune"), ct)
            : (definition.Spec.FindDisk(path)
                ?? throw new WherryException(ErrorCode.InvalidArg, $"disk '{path}' was not found in the domain config")).IoTune ?? IoTuneSpec.None;
        var values = IoTuneSpec.Fields.Select(field => field == IoTuneSpec.Group
            ? TypedParameter.String(field, tune.GroupName ?? "")
            : TypedParameter.ULLong(field, tune[field]));
        return new DomainGetBlockIoTuneRet([.. Readable(values.Take(args.Nparams), args.Flags)], 0);
    }

    [Procedure(RemoteProcedure.DomainSetBlockIoTune)]
    private async ValueTask DomainSetBlockIoTune(ServerCall call, DomainSetBlockIoTuneArgs args, CancellationToken ct)
    {
        CheckArgument(!args.Params.IsEmpty, "nparams", "virDomainSetBlockIoTune", "must be greater than zero");
        CheckTuning(args.Params, args.Flags, "virDomainSetBlockIoTune", "qemuDomainSetBlockIoTune", IoTuneTypes);
        var domain = Domain(call, args.Dom);
        var affect = Affect(args.Flags);
        // libvirt looks at the numbers after it has looked for the domain's documents.
        if (args.Params.Any(limit => limit.Value.AsULLong > MaxIoLimit) && !(affect.Live && !domain.Snapshot.IsActive))
            throw new WherryException(ErrorCode.ArgumentUnsupported, $"block I/O throttle limit value must be no more than {MaxIoLimit}");
        await Driver.SetIoTuneAsync(
            domain,
            args.Disk,
            [.. args.Params.Select(limit => new TunedField(limit.Field, limit.Value.AsULLong, limit.Value.AsString))],
            affect,
            Owner("DomainSetBlockIoTune"),
            ct);
    }

    [Procedure(RemoteProcedure.DomainGetInterfaceParameters)]
    private ValueTask<DomainGetInterfaceParametersRet> DomainGetInterfaceParameters(ServerCall call, DomainGetInterfaceParametersArgs args, CancellationToken ct)
    {
        var domain = ReadTuning(
            call, args.Dom, args.Nparams, args.Flags, "virDomainGetInterfaceParameters", "qemuDomainGetInterfaceParameters", RemoteLimits.DomainInterfaceParameters);
        var definition = Affect(args.Flags).Of(domain.Snapshot);
        if (args.Nparams == 0)
            return new(new DomainGetInterfaceParametersRet([], BandwidthFields.Length));
        var bandwidth = QemuDriver.FindInterface(definition.Spec, args.Device).Bandwidth;
        var values = BandwidthFields.Select(field => TypedParameter.UInt(field, (uint)Math.Min(uint.MaxValue, Rate(field))));
        return new(new DomainGetInterfaceParametersRet([.. values.Take(args.Nparams)], 0));

        ulong Rate(string field)
        {
            var rate = field.StartsWith("in", StringComparison.Ordinal) ? bandwidth?.Inbound : bandwidth?.Outbound;
            return field[(field.IndexOf('.', StringComparison.Ordinal) + 1)..] switch
            {
                "average" => rate?.Average ?? 0,
                "peak" => rate?.Peak ?? 0,
                "burst" => rate?.Burst ?? 0,
                _ => 0, // A floor is for libvirt's own networks.
            };
        }
    }

    [Procedure(RemoteProcedure.DomainSetInterfaceParameters)]
    private async ValueTask DomainSetInterfaceParameters(ServerCall call, DomainSetInterfaceParametersArgs args, CancellationToken ct)
    {
        CheckTuning(args.Params, args.Flags, "virDomainSetInterfaceParameters", "qemuDomainSetInterfaceParameters", BandwidthTypes);
        var given = args.Params.ToDictionary(rate => rate.Field, rate => (ulong)(rate.Value.AsUInt ?? 0), StringComparer.Ordinal);
        await Driver.SetBandwidthAsync(
            Domain(call, args.Dom), args.Device, given.GetValueOrDefault("inbound.floor") != 0, Change, Affect(args.Flags), Owner("DomainSetInterfaceParameters"), ct);

        // Without an average a direction stays as it is; an average of zero takes its limits away.
        BandwidthSpec Change(BandwidthSpec? old) => new(Direction("inbound", old?.Inbound), Direction("outbound", old?.Outbound));

        RateSpec? Direction(string name, RateSpec? old) => given.TryGetValue(name + ".average", out var average)
            ? average == 0 ? null : new RateSpec(average, given.GetValueOrDefault(name + ".peak"), given.GetValueOrDefault(name + ".burst"))
            : given.ContainsKey(name + ".floor") ? null : old;
    }
}
