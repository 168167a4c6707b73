using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.HotPlug;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh blkdeviotune.
public sealed partial class QemuDriver
{
    /// <summary>The limits that QEMU keeps to.</summary>
    /// <exception cref="WherryException">InvalidArg: no such disk; InternalError: no medium.</exception>
    public async Task<IoTuneSpec> AskIoTuneAsync(Domain domain, string path, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Query, owner, ct);
        var qemu = ActiveQemu(domain);
        var drive = DeviceUpdate.QomName(FindDisk(domain.Snapshot.Live!.Spec, path)); // it is active
        var answer = await new QemuCommand("query-block", "{}").RunAsync(qemu.Monitor);
        var found = answer.EnumerateArray().FirstOrDefault(one => one.TryGetProperty("qdev", out var qdev) && qdev.GetString() == drive);
        if (found.ValueKind == JsonValueKind.Undefined)
            throw new WherryException(ErrorCode.InternalError, $"cannot find throttling info for device '{drive}'");
        if (!found.TryGetProperty("inserted", out var inserted))
            throw new WherryException(ErrorCode.InternalError, "block_io_throttle inserted entry was not in expected format");
        var tune = new IoTuneSpec(IoTuneSpec.None.Limits, inserted.TryGetProperty("group", out var group) ? group.GetString() : null);
        foreach (var limit in IoTuneSpec.Fields.Where(limit => limit != IoTuneSpec.Group))
        {
            if (inserted.TryGetProperty(Throttling.NameOf(limit), out var value) && value.TryGetUInt64(out var number))
                tune = tune.With(limit, number);
        }
        return tune;
    }

    /// <summary>Limits a disk's throughput. What is not given stays as it is, by families: bytes, operations, and the bursts of each.</summary>
    /// <param name="path">Target or source.</param>
    /// <param name="given">What is to change: limits as numbers, the group as a text.</param>
    /// <exception cref="WherryException">InvalidArg: no such disk, or a contradiction; ConfigUnsupported: limits that do not fit together.</exception>
    public Task SetIoTuneAsync(
        Domain domain, string path, ImmutableArray<TunedField> given, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            var wanted = given.Aggregate(
                IoTuneSpec.None, (tune, field) => field.Number is { } number ? tune.With(field.Name, number) : tune with { GroupName = field.Text });
            if (wanted.Contradiction is { } contradiction)
                throw new WherryException(ErrorCode.InvalidArg, $"total and read/write of {contradiction} cannot be set at the same time");
            var (live, config) = ((Func<DomainDocument, DomainDocument>?)null, (Func<DomainDocument, DomainDocument>?)null);
            if (affected is { Live: { } running, Qemu: { } qemu })
            {
                var disk = FindDisk(running.Spec, path);
                var tune = Throttle.Complete(wanted, disk, running.Spec);
                Throttle.CheckBursts(tune);
                // An empty drive is limited as soon as it has a medium.
                if (disk.Source is not null)
                    await new QemuCommand(Throttling.Command, Throttling.Arguments(disk, tune)).RunAsync(qemu.Monitor);
                live = document => document.WithIoTune(disk.TargetDev, tune);
            }
            if (affected.Config is { } stored)
            {
                var disk = stored.Spec.FindDisk(path)
                    ?? throw new WherryException(ErrorCode.InvalidArg, $"missing persistent configuration for disk '{path}'");
                var tune = Throttle.Complete(wanted, disk, stored.Spec);
                config = document => document.WithIoTune(disk.TargetDev, tune);
            }
            if (live is not null)
                domain.Announce(new DomainEvent.Tunable(
                [
                    new TunedField("blkdeviotune.disk", Number: null, path),
                    .. given.Select(field => field with { Name = "blkdeviotune." + field.Name }),
                ]));
            return new DocumentChanges(live, config);
        },
        ct);

    private static DiskSpec FindDisk(DomainSpec spec, string path) =>
        spec.FindDisk(path) ?? throw new WherryException(ErrorCode.InvalidArg, $"disk '{path}' not found in domain");
}
