using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Host;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh iothreadinfo, iothreadadd, iothreaddel, iothreadset and iothreadpin.
internal sealed partial class RemoteProgram
{
    private static readonly Dictionary<string, TypedParameterType> IothreadTypes = new()
    {
        ["poll_max_ns"] = TypedParameterType.ULLong,
        ["poll_grow"] = TypedParameterType.UInt,
        ["poll_shrink"] = TypedParameterType.UInt,
        ["thread_pool_min"] = TypedParameterType.Int,
        ["thread_pool_max"] = TypedParameterType.Int,
    };

    [Procedure(RemoteProcedure.DomainGetIothreadInfo)]
    private async ValueTask<DomainGetIothreadInfoRet> DomainGetIothreadInfo(ServerCall call, DomainGetIothreadInfoArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainGetIOThreadInfo");
        var domain = Domain(call, args.Dom);
        var definition = Affect(args.Flags).Of(domain.Snapshot);
        var threads = new List<DomainIothreadInfo>();
        if (definition == domain.Snapshot.Live)
        {
            foreach (var (id, thread, process) in await Driver.AskIoThreadsAsync(domain, Owner("DomainGetIothreadInfo"), ct))
            {
                if (ProcessUsage.ReadAffinity(process, thread) is { } cpus)
                    Add(id, cpus);
            }
        }
        else
        {
            foreach (var thread in definition.Spec.IoThreads)
                Add(thread.Id, Cpus(definition.Document.IoThreadPin((int)thread.Id)));
        }

        return new DomainGetIothreadInfoRet([.. threads], (uint)threads.Count);

        void Add(uint id, CpuSet cpus) => threads.Add(new DomainIothreadInfo(id, [.. cpus.ToMap(cpus.Length)]));
    }

    [Procedure(RemoteProcedure.DomainAddIothread)]
    private async ValueTask DomainAddIothread(ServerCall call, DomainAddIothreadArgs args, CancellationToken ct)
    {
        CheckIothread(args.IothreadId, args.Flags, "qemuDomainAddIOThread");
        await Driver.AddIoThreadAsync(Domain(call, args.Dom), args.IothreadId, Affect(args.Flags), Owner("DomainAddIothread"), ct);
    }

    [Procedure(RemoteProcedure.DomainDelIothread)]
    private async ValueTask DomainDelIothread(ServerCall call, DomainDelIothreadArgs args, CancellationToken ct)
    {
        CheckIothread(args.IothreadId, args.Flags, "qemuDomainDelIOThread");
        await Driver.RemoveIoThreadAsync(Domain(call, args.Dom), args.IothreadId, Affect(args.Flags), Owner("DomainDelIothread"), ct);
    }

    [Procedure(RemoteProcedure.DomainPinIothread)]
    private async ValueTask DomainPinIothread(ServerCall call, DomainPinIothreadArgs args, CancellationToken ct)
    {
        CheckArgument(!args.Cpumap.IsEmpty, "cpumap", "virDomainPinIOThread", "must not be NULL");
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainPinIOThread");
        await Driver.PinIoThreadAsync(Domain(call, args.Dom), args.IothreadsId, Cpus(args.Cpumap), Affect(args.Flags), Owner("DomainPinIothread"), ct);
    }

    [Procedure(RemoteProcedure.DomainSetIothreadParams)]
    private async ValueTask DomainSetIothreadParams(ServerCall call, DomainSetIothreadParamsArgs args, CancellationToken ct)
    {
        CheckArgument(!args.Params.IsEmpty, "params", "virDomainSetIOThreadParams", "must not be NULL");
        CheckIothread(args.IothreadId, args.Flags, "qemuDomainSetIOThreadParams");
        TypedParameterRules.Check(args.Params, IothreadTypes);
        var settings = new IoThreadSettings(
            Bounded("poll_max_ns", "poll-max-ns"), Bounded("poll_grow", "poll-grow"), Bounded("poll_shrink", "poll-shrink"), Find("thread_pool_min")?.AsInt, Find("thread_pool_max")?.AsInt);
        if (settings.ThreadPoolMin < -1)
            throw Unsupported($"thread_pool_min ({Decimal(settings.ThreadPoolMin.Value)}) must be equal to or greater than -1");
        if (settings.ThreadPoolMax is < -1 or 0)
            throw Unsupported($"thread_pool_max ({Decimal(settings.ThreadPoolMax.Value)}) must be a positive number or -1");
        await Driver.SetIoThreadAsync(Domain(call, args.Dom), args.IothreadId, settings, Affect(args.Flags), Owner("DomainSetIothreadParams"), ct);

        TypedParameterValue? Find(string field) =>
            args.Params.Where(one => one.Field == field).Select(one => (TypedParameterValue?)one.Value).FirstOrDefault();

        int? Bounded(string field, string property) => (Find(field)?.AsULLong ?? Find(field)?.AsUInt) switch
        {
            null => null,
            { } value when value > int.MaxValue => throw Unsupported($"{property} ({value}) must be less than or equal to {int.MaxValue}"),
            { } value => (int)value,
        };

        static WherryException Unsupported(string text) => new(ErrorCode.ConfigUnsupported, text);
    }

    private static void CheckIothread(uint id, uint flags, string function)
    {
        CheckFlags(flags, AffectLive | AffectConfig, function);
        if (id == 0)
            throw new WherryException(ErrorCode.InvalidArg, "invalid value of 0 for iothread_id");
    }
}
