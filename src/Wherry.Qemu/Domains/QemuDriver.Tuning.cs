using System.Collections.Immutable;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh schedinfo, memtune, blkiotune and numatune. All four are matters of the control group while a guest runs: one that has none, or none with
// the controller in question, is refused in libvirt's words. A definition's values are kept either way.
public sealed partial class QemuDriver
{
    private const long LeastPeriod = 1_000, MostPeriod = 1_000_000, MostQuota = CpuBandwidth.Unlimited;

    /// <param name="values">Elements of cputune, and the parameters that name them.</param>
    /// <exception cref="WherryException">InvalidArg: out of range; OperationInvalid: no control group; SystemError: the kernel refuses.</exception>
    public Task SetSchedulerAsync(
        Domain domain, IReadOnlyList<(string Parameter, string Element, long Value)> values, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            var cgroup = LiveCgroup(affected, CgroupControllers.Cpu, "cgroup CPU controller is not mounted");
            var tuned = ImmutableArray.CreateBuilder<TunedField>();
            foreach (var (parameter, element, value) in values)
            {
                var isQuota = element.EndsWith("quota", StringComparison.Ordinal);
                var most = isQuota ? MostQuota : MostPeriod;
                if (element != "shares" && (value is > 0 and < LeastPeriod || value > most))
                    throw new WherryException(ErrorCode.InvalidArg, $"value of '{parameter}' is out of range [{LeastPeriod}, {most}]");
                if (cgroup is null || affected.Live is not { } live || (value == 0 && element != "shares"))
                    continue;
                Schedule(cgroup, live.Spec, element, value);
                // At once: what follows may be refused, and this holds.
                ChangeLive(domain, document => document.WithCpuTuning([KeyValuePair.Create(element, value)]));
                tuned.Add(new TunedField("cputune." + parameter, isQuota ? null : (ulong)value, Text: null, isQuota ? value : null));
            }

            if (tuned.Count > 0)
                domain.Announce(new DomainEvent.Tunable(tuned.ToImmutable()));
            return Config(document => document.WithCpuTuning(values.Select(value => KeyValuePair.Create(value.Element, value.Value))));
        },
        ct);

    /// <param name="kibs">Elements of memtune, in KiB.</param>
    /// <exception cref="WherryException">InvalidArg: contradictory; OperationInvalid: no control group; SystemError: the kernel refuses.</exception>
    public Task SetMemoryLimitsAsync(Domain domain, IReadOnlyDictionary<string, ulong> kibs, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            const string hard = "hard_limit", soft = "soft_limit", swap = "swap_hard_limit";
            var cgroup = LiveCgroup(affected, CgroupControllers.Memory, "cgroup memory controller is not mounted");
            // Of two that are to fit together the one that is not given is the running domain's, as in libvirt.
            var current = domain.Snapshot.Definition.Document;
            if ((kibs.ContainsKey(hard) || kibs.ContainsKey(swap)) && Limit(hard) > Limit(swap))
                throw new WherryException(
                    ErrorCode.InvalidArg, "memory hard_limit tunable value must be lower than or equal to swap_hard_limit", ErrorDomain.Domain);
            if (cgroup is not null)
            {
                // A lower hard limit comes before that of swap, a higher one after it.
                string[] order = current.MemoryLimitKiB(hard) > kibs.GetValueOrDefault(hard) ? [soft, hard, swap] : [soft, swap, hard];
                foreach (var limit in order.Where(kibs.ContainsKey))
                {
                    await Task.Run(() => cgroup.SetMemoryLimit(limit, kibs[limit]), ct); // the kernel may have to take memory back first
                    ChangeLive(domain, document => document.WithMemoryLimits([KeyValuePair.Create(limit, kibs[limit])]));
                }
            }
            return new DocumentChanges(Live: null, document => document.WithMemoryLimits(kibs));

            ulong Limit(string element) => kibs.TryGetValue(element, out var given) ? given : current.MemoryLimitKiB(element);
        },
        ct);

    /// <summary>What of several changes is right is made, though the call fails by the others; as in libvirt.</summary>
    /// <exception cref="WherryException">InvalidArg: no such text; OperationInvalid: no control group, or no weights; SystemError: the kernel refuses.</exception>
    public async Task SetBlkioAsync(Domain domain, IReadOnlyList<BlkioChange> changes, Affect affect, string owner, CancellationToken ct)
    {
        WherryException? wrong = null;
        await ModifyAsync(
            domain,
            affect,
            owner,
            affected =>
            {
                if (LiveCgroup(affected, CgroupControllers.Io, "blkio cgroup isn't mounted") is { } cgroup)
                {
                    foreach (var change in changes)
                        Try(() => change.ApplyTo(cgroup), () => ChangeLive(domain, change.ApplyTo));
                    if (wrong is not null)
                        throw wrong; // and the stored definition stays as it is
                }
                return Config(document =>
                {
                    foreach (var change in changes)
                        Try(() => document = change.ApplyTo(document), () => { });
                    return document;
                });
            },
            ct);
        if (wrong is not null)
            throw wrong;

        void Try(Action act, Action then)
        {
            try
            {
                act();
                then();
            }
            catch (WherryException e)
            {
                wrong = e;
            }
        }
    }

    /// <param name="mode">null: as it is, or "strict".</param>
    /// <param name="nodes">null: as they are.</param>
    /// <exception cref="WherryException">ConfigUnsupported: there are no nodes; OperationInvalid: not of a running domain; SystemError: the kernel refuses.</exception>
    public Task SetNumaAsync(
        Domain domain, string? mode, ImmutableSortedSet<int>? nodes, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            Func<DomainDocument, DomainDocument>? change = null;
            if (LiveCgroup(affected, CgroupControllers.CpuSet, "cgroup cpuset controller is not mounted") is { } cgroup && affected.Live is { } live)
            {
                var now = live.Document.NumaTuning;
                if (mode is not null && now is not null && now.Mode != mode)
                    throw Fixed("can't change numatune mode for running domain");
                if (mode == "strict")
                {
                    if (now is null ? nodes is not null : nodes is null || !now.Nodes.SetEquals(nodes))
                        throw Fixed("can't change nodeset for strict mode for running domain");
                }
                else
                {
                    if (nodes is not null)
                        MoveMemory(cgroup, live, nodes);
                    change = document => Tuned(document, mode, nodes);
                }
            }
            if (affected.Config is { } config)
                _ = Tuned(config.Document, mode, nodes); // what is wrong with it is told before anything is kept
            return Task.FromResult(new DocumentChanges(change, document => Tuned(document, mode, nodes)));
        },
        ct);

    private static void Schedule(DomainCgroup cgroup, DomainSpec spec, string element, long value)
    {
        if (element == "shares")
        {
            cgroup.SetShares((ulong)value);
            return;
        }
        var bandwidth = element.EndsWith("period", StringComparison.Ordinal) ? new CpuBandwidth((ulong)value, 0) : new CpuBandwidth(0, value);
        if (element.StartsWith("global_", StringComparison.Ordinal))
        {
            cgroup.SetBandwidth(group: null, bandwidth);
            return;
        }
        IEnumerable<ThreadGroup> groups = element switch
        {
            "period" or "quota" => VcpuGroups(spec),
            "emulator_period" or "emulator_quota" => [ThreadGroup.Emulator],
            _ => IoThreadGroups(spec),
        };
        foreach (var group in groups.Where(cgroup.Contains).ToList())
            cgroup.SetBandwidth(group, bandwidth);
    }

    private static void MoveMemory(DomainCgroup cgroup, DomainDefinition live, ImmutableSortedSet<int> nodes)
    {
        if (live.Document.NumaTuning is { Mode: not "restrictive" })
            throw Fixed("change of nodeset for running domain requires restrictive numa mode");
        HostDemands.CheckNodes(nodes);
        foreach (var group in VcpuGroups(live.Spec).Concat(IoThreadGroups(live.Spec)).Prepend(ThreadGroup.Emulator).Where(cgroup.Contains).ToList())
            cgroup.SetNodes(group, CpuList.Write(nodes));
    }

    private static IEnumerable<ThreadGroup> VcpuGroups(DomainSpec spec) =>
        spec.Vcpu.All.Where(vcpu => vcpu.IsEnabled).Select(vcpu => ThreadGroup.Vcpu(vcpu.Id));

    private static IEnumerable<ThreadGroup> IoThreadGroups(DomainSpec spec) => spec.IoThreads.Select(thread => ThreadGroup.IoThread(thread.Id));

    private static DomainDocument Tuned(DomainDocument document, string? mode, ImmutableSortedSet<int>? nodes)
    {
        if (mode is null && nodes is null)
            return document;
        var old = document.NumaTuning;
        return document.WithNumaTuning(new NumaTuning(
            mode ?? old?.Mode ?? "strict",
            nodes ?? old?.Nodes ?? throw new WherryException(
                ErrorCode.ConfigUnsupported, "nodeset for NUMA memory tuning must be set if 'placement' is 'static'", ErrorDomain.Domain)));
    }

    private static Task<DocumentChanges> Config(Func<DomainDocument, DomainDocument> change) => Task.FromResult(new DocumentChanges(Live: null, change));

    /// <summary>The group of the running domain, when that is meant; null when it is not.</summary>
    /// <param name="why">Told when it is meant and lacks the controller.</param>
    private static DomainCgroup? LiveCgroup(AffectedDefinitions affected, CgroupControllers controller, string why)
    {
        if (affected.Qemu is not { } qemu)
            return null;
        return qemu.Cgroup is { } cgroup && cgroup.Has(controller) ? cgroup : throw Fixed(why);
    }

    private static WherryException Fixed(string why) => new(ErrorCode.OperationInvalid, why);
}
