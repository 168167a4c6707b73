using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Qemu.ControlGroups;
using Wherry.Qemu.Cpus;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh setvcpus and setvcpu.
public sealed partial class QemuDriver
{
    /// <summary>How long a guest may take to let go of a CPU before the caller is told that it has not; it may do so later. libvirt's limit.</summary>
    private static readonly TimeSpan UnplugLimit = TimeSpan.FromSeconds(5);

    /// <summary>How many virtual CPUs the guest has. A running guest's are plugged, or taken out as far as they were plugged.</summary>
    /// <param name="hotpluggable">In the stored definition, CPUs that are added can be taken out later.</param>
    /// <exception cref="WherryException">InvalidArg: more than the maximum; ConfigUnsupported: not with these CPUs; OperationTimeout: the guest keeps one.</exception>
    public Task SetVcpusAsync(Domain domain, int count, bool hotpluggable, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            CheckMaximum(count, affected.Live, "live");
            CheckMaximum(count, affected.Config, "persistent");
            if (affected.Qemu is { } qemu)
            {
                var cpus = await PluggedCpus.AskAsync(qemu.Monitor, ct);
                await PlugAsync(domain, qemu, cpus, Choose(cpus.States, count), ct);
            }
            return new DocumentChanges(
                Live: null,
                affected.Config is { } config ? document => WithCount(document, config.Spec.Vcpu, count, hotpluggable) : null);
        },
        ct);

    /// <summary>How many virtual CPUs the guest can ever have: of a stored definition only.</summary>
    /// <exception cref="WherryException">OperationUnsupported: asked of a running domain; InvalidArg: not with this topology.</exception>
    public Task SetMaxVcpusAsync(Domain domain, int maximum, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        affected =>
        {
            if (affected.Live is not null)
                throw new WherryException(ErrorCode.OperationUnsupported, "maximum vcpu count of a live domain can't be modified");
            var spec = affected.Config!.Spec; // Without the running domain it is the stored one.
            if (spec.Cpu?.Topology is { } topology && topology.Sockets * topology.Dies * topology.Cores * topology.Threads != maximum)
                throw new WherryException(ErrorCode.InvalidArg, "CPU topology doesn't match the desired vcpu count");
            return Task.FromResult(new DocumentChanges(Live: null, document => WithMaximum(document, spec.Vcpu, maximum)));
        },
        ct);

    /// <summary>Plugs chosen virtual CPUs, or takes them out.</summary>
    /// <exception cref="WherryException">InvalidArg: one of them is so already, or may not; OperationUnsupported: more than one of a running guest.</exception>
    public Task SetVcpuAsync(Domain domain, ImmutableSortedSet<int> chosen, bool enable, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            CheckPresent(chosen.Max, affected.Config, "persistent");
            CheckPresent(chosen.Max, affected.Live, "live");
            var cpus = affected.Qemu is { } asked ? await PluggedCpus.AskAsync(asked.Monitor, ct) : null;
            if (cpus is not null)
                CheckLive(cpus.States, chosen, enable);
            if (affected.Config is { } config)
                CheckStored(config.Spec.Vcpu.All, chosen);
            if (affected.Qemu is { } qemu && cpus is not null)
                await PlugAsync(domain, qemu, cpus, (enable, chosen), ct);
            return new DocumentChanges(Live: null, document => document.WithVcpus(
                [.. DomainSpec.From(document).Vcpu.All.Select(vcpu => chosen.Contains(vcpu.Id)
                    ? new VcpuState(vcpu.Id, enable, IsHotpluggable: true, Order: 0)
                    : vcpu with { Order = 0 })],
                oneByOne: true));
        },
        ct);

    private static void CheckMaximum(int count, DomainDefinition? definition, string which)
    {
        if (definition?.Spec.Vcpu.Maximum is { } maximum && count > maximum)
            throw new WherryException(
                ErrorCode.InvalidArg, $"requested vcpus is greater than max allowable vcpus for the {which} domain: {count} > {maximum}");
    }

    private static void CheckPresent(int vcpu, DomainDefinition? definition, string which)
    {
        if (vcpu >= definition?.Spec.Vcpu.Maximum)
            throw new WherryException(ErrorCode.InvalidArg, $"vcpu {vcpu} is not present in {which} config");
    }

    private static void CheckLive(ImmutableArray<VcpuState> states, ImmutableSortedSet<int> chosen, bool enable)
    {
        foreach (var vcpu in chosen)
        {
            if (states[vcpu].IsEnabled == enable)
                throw new WherryException(ErrorCode.InvalidArg, $"vcpu '{vcpu}' is already in requested state");
        }
        if (chosen.Count != 1)
            throw new WherryException(ErrorCode.OperationUnsupported, "only one hotpluggable entity can be selected");
        if (states[chosen.Min] is { IsEnabled: true, IsHotpluggable: false })
            throw new WherryException(ErrorCode.OperationUnsupported, $"vcpu '{chosen.Min}' can't be unplugged");
    }

    /// <summary>CPUs that are there from the start have to stay the first ones.</summary>
    private static void CheckStored(ImmutableArray<VcpuState> states, ImmutableSortedSet<int> chosen)
    {
        if (chosen.Contains(0))
            throw new WherryException(ErrorCode.InvalidArg, "vCPU '0' can't be modified");
        if (states.Skip(chosen.Min + 1).Any(vcpu => !chosen.Contains(vcpu.Id) && vcpu is { IsEnabled: true, IsHotpluggable: false }))
            throw new WherryException(
                ErrorCode.InvalidArg, $"vcpu '{chosen.Min}' can't be modified as it is followed by non-hotpluggable online vcpus");
    }

    /// <summary>The first that are missing, or the last that can go.</summary>
    private static (bool Enable, ImmutableSortedSet<int> Chosen) Choose(ImmutableArray<VcpuState> states, int count)
    {
        var present = states.Count(vcpu => vcpu.IsEnabled);
        var enable = count > present;
        var candidates = enable
            ? states.Where(vcpu => !vcpu.IsEnabled)
            : states.Where(vcpu => vcpu is { IsEnabled: true, IsHotpluggable: true }).Reverse();
        ImmutableSortedSet<int> chosen = [.. candidates.Take(Math.Abs(count - present)).Select(vcpu => vcpu.Id)];
        return chosen.Count == Math.Abs(count - present)
            ? (enable, chosen)
            : throw new WherryException(
                ErrorCode.ConfigUnsupported, "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count");
    }

    private async Task PlugAsync(
        Domain domain, QemuInstance qemu, PluggedCpus cpus, (bool Enable, ImmutableSortedSet<int> Chosen) change, CancellationToken ct)
    {
        foreach (var vcpu in change.Enable ? change.Chosen : change.Chosen.Reverse())
        {
            if (change.Enable)
            {
                using (EmulatorNodes.Widen(qemu.Cgroup))
                    await qemu.Monitor.ExecuteAsync(cpus.Cpus[vcpu].Plug(vcpu), ct);
                await ShowVcpusAsync(domain, qemu, ct);
                await PlaceVcpuAsync(qemu, domain.Snapshot.Definition.Document, vcpu, ct);
            }
            else
            {
                await UnplugAsync(qemu, cpus.Cpus[vcpu].Alias!, ct); // only those that have one were chosen
                qemu.Cgroup?.Remove(ThreadGroup.Vcpu(vcpu));
                await ShowVcpusAsync(domain, qemu, ct);
            }
        }
    }

    private async Task UnplugAsync(QemuInstance qemu, string alias, CancellationToken ct)
    {
        using var events = qemu.Subscribe(); // before the command: the guest may be quick
        await qemu.Monitor.ExecuteAsync(new DeviceDel(alias), ct);
        using var limit = new CancellationTokenSource(UnplugLimit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            await foreach (var happened in events.Events.ReadAllAsync(either.Token))
            {
                if (happened.Name == "DEVICE_DELETED" && IsAbout(happened, alias))
                    return;
                if (happened.Name == "DEVICE_UNPLUG_GUEST_ERROR" && IsAbout(happened, alias))
                    throw new WherryException(ErrorCode.OperationFailed, "vcpu unplug request was rejected by the guest");
            }
            throw DomainRefusals.NotRunning();
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw new WherryException(
                ErrorCode.OperationTimeout, "vcpu unplug request timed out. Unplug result must be manually inspected in the domain", inner: e);
        }
    }

    /// <summary>Once CPUs have come or gone, the running domain lists them one by one.</summary>
    private static async Task ShowVcpusAsync(Domain domain, QemuInstance qemu, CancellationToken ct)
    {
        var states = (await PluggedCpus.AskAsync(qemu.Monitor, ct)).States;
        domain.Change(now => now.Live is { } live ? now with { Live = new DomainDefinition(live.Document.WithVcpus(states, oneByOne: true)) } : now);
    }

    private static bool IsVcpu(QmpEvent happened) =>
        happened.Data.TryGetProperty("device", out var device) && device.GetString()?.StartsWith("vcpu", StringComparison.Ordinal) == true;

    private static bool IsAbout(QmpEvent happened, string alias) =>
        happened.Data.ValueKind == JsonValueKind.Object && happened.Data.TryGetProperty("device", out var device) && device.GetString() == alias;

    /// <summary>The order in which CPUs once came says nothing any more.</summary>
    private static DomainDocument WithCount(DomainDocument document, VcpuSpec vcpu, int count, bool hotpluggable)
    {
        var states = vcpu.All.Select(one => one with { Order = 0 }).ToArray();
        var present = states.Count(one => one.IsEnabled);
        var oneByOne = !vcpu.OneByOne.IsEmpty;
        for (var i = 0; i < states.Length && present < count; i++)
        {
            // Behind one that can be taken out there can only be such.
            hotpluggable |= states[i] is { IsEnabled: true, IsHotpluggable: true };
            if (states[i].IsEnabled)
                continue;
            states[i] = states[i] with { IsEnabled = true, IsHotpluggable = hotpluggable };
            oneByOne |= hotpluggable;
            present++;
        }
        for (var i = states.Length - 1; i >= 0 && present > count; i--)
        {
            if (!states[i].IsEnabled)
                continue;
            states[i] = states[i] with { IsEnabled = false, IsHotpluggable = true };
            present--;
        }
        return document.WithVcpus(states, oneByOne);
    }

    private static DomainDocument WithMaximum(DomainDocument document, VcpuSpec vcpu, int maximum) => document.WithVcpus(
        [
            .. vcpu.All.Take(maximum).Select(one => one with { Order = 0 }),
            .. Enumerable.Range(vcpu.Maximum, Math.Max(0, maximum - vcpu.Maximum))
                .Select(id => new VcpuState(id, IsEnabled: false, IsHotpluggable: true, Order: 0)),
        ],
        oneByOne: !vcpu.OneByOne.IsEmpty);
}
