using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh schedinfo, memtune, blkiotune and numatune. All four are matters of control groups while a guest runs, and our guests have none: a
// running domain's are refused in libvirt's words for a host without them, and a definition's are kept for a host that has them.
public sealed partial class QemuDriver
{
    private const long LeastPeriod = 1_000, MostPeriod = 1_000_000, MostQuota = 17_592_186_044_415;

    /// <param name="values">Elements of cputune, and the parameters that name them.</param>
    /// <exception cref="WherryException">InvalidArg: out of range; OperationInvalid: asked of a running domain.</exception>
    public Task SetSchedulerAsync(
        Domain domain, IReadOnlyList<(string Parameter, string Element, long Value)> values, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            RefuseLive(affected, "cgroup CPU controller is not mounted");
            foreach (var (parameter, element, value) in values)
            {
                if (element == "shares")
                    continue;
                var most = element.EndsWith("period", StringComparison.Ordinal) ? MostPeriod : MostQuota;
                if (value is > 0 and < LeastPeriod || value > most)
                    throw new WherryException(ErrorCode.InvalidArg, $"value of '{parameter}' is out of range [{LeastPeriod}, {most}]");
            }
            return Config(document => document.WithCpuTuning(values.Select(value => KeyValuePair.Create(value.Element, value.Value))));
        },
        ct);

    /// <param name="kibs">Elements of memtune, in KiB.</param>
    /// <exception cref="WherryException">InvalidArg: contradictory; OperationInvalid: asked of a running domain.</exception>
    public Task SetMemoryLimitsAsync(Domain domain, IReadOnlyDictionary<string, ulong> kibs, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            const string hard = "hard_limit", swap = "swap_hard_limit";
            RefuseLive(affected, "cgroup memory controller is not mounted");
            // Of two that are to fit together the one that is not given is the running domain's, as in libvirt.
            var current = domain.Snapshot.Definition.Document;
            if ((kibs.ContainsKey(hard) || kibs.ContainsKey(swap)) && Limit(hard) > Limit(swap))
                throw new WherryException(
                    ErrorCode.InvalidArg, "memory hard_limit tunable value must be lower than or equal to swap_hard_limit", ErrorDomain.Domain);
            return Config(document => document.WithMemoryLimits(kibs));

            ulong Limit(string element) => kibs.TryGetValue(element, out var given) ? given : current.MemoryLimitKiB(element);
        },
        ct);

    /// <param name="change">The new weight and devices, from those of the definition.</param>
    /// <exception cref="WherryException">OperationInvalid: asked of a running domain.</exception>
    public Task SetBlkioAsync(
        Domain domain,
        Func<uint, IReadOnlyList<BlkioDeviceTuning>, (uint Weight, IReadOnlyList<BlkioDeviceTuning> Devices)> change,
        Affect affect,
        string owner,
        CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            RefuseLive(affected, "blkio cgroup isn't mounted");
            var (weight, devices) = change(affected.Config!.Document.BlkioWeight, affected.Config.Document.BlkioDevices); // what is not live is config
            return Config(document => document.WithBlkioTuning(weight, devices));
        },
        ct);

    /// <param name="mode">null: as it is, or "strict".</param>
    /// <param name="nodes">null: as they are.</param>
    /// <exception cref="WherryException">ConfigUnsupported: there are no nodes; OperationInvalid: asked of a running domain.</exception>
    public Task SetNumaAsync(
        Domain domain, string? mode, System.Collections.Immutable.ImmutableSortedSet<int>? nodes, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            RefuseLive(affected, "cgroup cpuset controller is not mounted");
            if (mode is null && nodes is null)
                return Config(document => document);
            var old = affected.Config!.Document.NumaTuning; // what is not live is config
            var tuning = new NumaTuning(
                mode ?? old?.Mode ?? "strict",
                nodes ?? old?.Nodes ?? throw new WherryException(
                    ErrorCode.ConfigUnsupported, "nodeset for NUMA memory tuning must be set if 'placement' is 'static'", ErrorDomain.Domain));
            return Config(document => document.WithNumaTuning(tuning));
        },
        ct);

    private static Task<DocumentChanges> Config(Func<DomainDocument, DomainDocument> change) => Task.FromResult(new DocumentChanges(Live: null, change));

    private static void RefuseLive(AffectedDefinitions affected, string why)
    {
        if (affected.Live is not null)
            throw new WherryException(ErrorCode.OperationInvalid, why);
    }
}
