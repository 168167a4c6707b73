using System.Collections.Immutable;
using System.Globalization;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.HotPlug;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Process;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh iothreadinfo, iothreadadd, iothreaddel, iothreadset and iothreadpin.
public sealed partial class QemuDriver
{
    /// <summary>The I/O threads of a running guest, in QEMU's order, as threads of the host.</summary>
    public async Task<IReadOnlyList<(uint Id, int Thread, int Process)>> AskIoThreadsAsync(Domain domain, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Query, owner, ct);
        if (!domain.Snapshot.IsActive)
            throw new WherryException(ErrorCode.OperationInvalid, "cannot list IOThreads for an inactive domain");
        var qemu = ActiveQemu(domain);
        return [.. (await AskIoThreadsAsync(qemu.Monitor, ct)).Select(thread => (thread.Key, thread.Value, qemu.Process.Pid))];
    }

    /// <exception cref="WherryException">InvalidArg: there is one of that number.</exception>
    public Task AddIoThreadAsync(Domain domain, uint id, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            CheckNew(affected.Config);
            CheckNew(affected.Live);
            if (affected is { Live: { } live, Qemu: { } qemu })
            {
                var thread = new IoThreadSpec(id);
                await new QemuCommand("object-add", Memory.IoThread(thread).ToString()).RunAsync(qemu.Monitor);
                await PlaceIoThreadAsync(qemu, live.Document, id, ct);
            }
            return DocumentChanges.Both(document => document.WithIoThread(id));

            void CheckNew(DomainDefinition? definition)
            {
                if (definition is not null && FindIoThread(definition.Spec, id) is not null)
                    throw new WherryException(ErrorCode.InvalidArg, $"an IOThread is already using iothread_id '{id}'", ErrorDomain.Domain);
            }
        },
        ct);

    /// <exception cref="WherryException">InvalidArg: there is none of that number, or a device uses it.</exception>
    public Task RemoveIoThreadAsync(Domain domain, uint id, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            CheckUnused(affected.Config?.Spec);
            CheckUnused(affected.Live?.Spec);
            if (affected.Qemu is { } qemu)
            {
                await PlugCommands.Named("object-del", "id", new IoThreadSpec(id).ObjectId).RunAsync(qemu.Monitor);
                qemu.Cgroup?.Remove(ThreadGroup.IoThread(id));
            }
            return DocumentChanges.Both(document => document.WithoutIoThread(id));

            void CheckUnused(DomainSpec? spec)
            {
                if (spec is null)
                    return;
                if (FindIoThread(spec, id) is null)
                    throw Refusal($"cannot find IOThread '{id}' in iothreadids list");
                if (spec.Disks.FirstOrDefault(disk => disk.IoThread == id) is { } disk)
                    throw Refusal($"cannot remove IOThread {id} since it is being used by disk '{disk.TargetDev}'");
                if (spec.Controllers.Any(controller => controller.IoThread == id))
                    throw Refusal($"cannot remove IOThread '{id}' since it is being used by controller");
            }

            static WherryException Refusal(string why) => new(ErrorCode.InvalidArg, why, ErrorDomain.Domain);
        },
        ct);

    /// <summary>How an I/O thread polls, which only a running guest has, and how many workers it may have.</summary>
    /// <exception cref="WherryException">InvalidArg: there is none of that number; OperationInvalid, OperationUnsupported: not with these values.</exception>
    public Task SetIoThreadAsync(Domain domain, uint id, IoThreadSettings settings, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            if (affected.Config is { } config)
            {
                CheckPool(Get(config.Spec), settings, isLive: false);
                if (settings.PollMaxNs is not null || settings.PollGrow is not null || settings.PollShrink is not null)
                    throw new WherryException(ErrorCode.OperationUnsupported, "configuring persistent polling values is not supported");
            }
            if (affected is { Live: { } live, Qemu: { } qemu })
            {
                CheckPool(Get(live.Spec), settings, isLive: true);
                await ApplyAsync(qemu.Monitor, new IoThreadSpec(id), settings);
            }
            // libvirt forgets the workers' bounds of a running domain that were set together with its polling; ours shows what QEMU has.
            return DocumentChanges.Both(document => document.WithIoThreadPool(id, settings.ThreadPoolMin, settings.ThreadPoolMax));

            IoThreadSpec Get(DomainSpec spec) =>
                FindIoThread(spec, id) ?? throw new WherryException(ErrorCode.InvalidArg, $"cannot find IOThread '{id}' in iothreadids");
        },
        ct);

    /// <summary>The host CPUs that one I/O thread may run on.</summary>
    /// <exception cref="WherryException">InvalidArg: no such thread, or no host CPU; SystemError: none of them is there.</exception>
    public Task PinIoThreadAsync(Domain domain, uint id, ImmutableSortedSet<int> cpus, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            if (cpus.IsEmpty)
                throw new WherryException(ErrorCode.InvalidArg, "Empty iothread cpumap list for pinning");
            if (affected is { Live: { } live, Qemu: { } qemu })
            {
                if (FindIoThread(live.Spec, id) is null)
                    throw new WherryException(ErrorCode.InvalidArg, $"iothread {id} not found");
                Narrow(qemu, ThreadGroup.IoThread(id), cpus);
                if ((await AskIoThreadsAsync(qemu.Monitor, ct)).TryGetValue(id, out var thread))
                    ThreadAffinity.Set(thread, cpus);
                domain.Announce(new DomainEvent.Tunable([new TunedField($"cputune.iothreadpin{id}", Number: null, CpuList.Write(cpus))]));
            }
            if (affected.Config is { } config && FindIoThread(config.Spec, id) is null)
                throw new WherryException(ErrorCode.InvalidArg, $"iothreadid {id} not found");
            return DocumentChanges.Both(document => document.WithIoThreadPin(id, cpus));
        },
        ct);

    private static async Task<OrderedDictionary<uint, int>> AskIoThreadsAsync(MonitorSession monitor, CancellationToken ct)
    {
        const string prefix = "iothread";
        var threads = new OrderedDictionary<uint, int>();
        foreach (var thread in await monitor.ExecuteAsync(new QueryIothreads(), ct))
        {
            if (thread.Id.StartsWith(prefix, StringComparison.Ordinal) && uint.TryParse(thread.Id.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                threads[id] = thread.ThreadId;
        }
        return threads;
    }

    private static async Task ApplyAsync(MonitorSession monitor, IoThreadSpec thread, IoThreadSettings settings)
    {
        var path = "/objects/" + thread.ObjectId;
        await SetAsync("poll-max-ns", settings.PollMaxNs);
        await SetAsync("poll-grow", settings.PollGrow);
        await SetAsync("poll-shrink", settings.PollShrink);
        // Never the least above the most, not even in between.
        var isMostFirst = settings is { ThreadPoolMin: { } least, ThreadPoolMax: not null }
           
            && (await new QemuCommand("qom-get", new Properties().Text("path", path).Text("property", "thread-pool-max").ToString()).RunAsync(monitor)).GetInt64() < least;
        if (isMostFirst)
            await SetAsync("thread-pool-max", settings.ThreadPoolMax);
        await SetAsync("thread-pool-min", settings.ThreadPoolMin);
        if (!isMostFirst)
            await SetAsync("thread-pool-max", settings.ThreadPoolMax);

        async Task SetAsync(string property, long? value)
        {
            if (value is { } number)
                await new QemuCommand("qom-set", new Properties().Text("path", path).Text("property", property).Number("value", number).ToString()).RunAsync(monitor);
        }
    }

    private static void CheckPool(IoThreadSpec thread, IoThreadSettings settings, bool isLive)
    {
        CheckLive("thread_pool_min", settings.ThreadPoolMin);
        CheckLive("thread_pool_max", settings.ThreadPoolMax);
        var (min, max) = (settings.ThreadPoolMin ?? thread.ThreadPoolMin ?? -1, settings.ThreadPoolMax ?? thread.ThreadPoolMax ?? -1);
        if (min > max)
            throw new WherryException(ErrorCode.OperationInvalid, $"thread_pool_min ({min}) can't be greater than thread_pool_max ({max})");

        void CheckLive(string name, int? value)
        {
            if (isLive && value < 0)
                throw new WherryException(ErrorCode.OperationInvalid, $"{name} ({value}) must be equal to or greater than 0 for live change");
        }
    }

    private static IoThreadSpec? FindIoThread(DomainSpec spec, uint id) => spec.IoThreads.FirstOrDefault(thread => thread.Id == id);
}

/// <summary>null: as it is.</summary>
/// <param name="PollMaxNs">Longest time it polls before it sleeps, in nanoseconds.</param>
/// <param name="PollGrow">By what its polling time is multiplied when it was too short; 0 for QEMU's own way.</param>
/// <param name="PollShrink">By what it is divided when it was too long; 0 for QEMU's own way.</param>
/// <param name="ThreadPoolMin">Workers that it keeps; -1 for QEMU's default.</param>
/// <param name="ThreadPoolMax">Workers that it may have; -1 for QEMU's default.</param>
public sealed record IoThreadSettings(int? PollMaxNs, int? PollGrow, int? PollShrink, int? ThreadPoolMin, int? ThreadPoolMax);
