using System.Globalization;
using System.Text.RegularExpressions;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Domains;

// virsh domblkthreshold.
public sealed partial class QemuDriver
{
    /// <summary>Tells once when the guest writes beyond an offset of a disk's image.</summary>
    /// <param name="device">A target such as <c>vda</c>, or one of its images: <c>vda[2]</c>.</param>
    /// <param name="threshold">Bytes; zero: never.</param>
    /// <exception cref="WherryException">InvalidArg: no such disk or image.</exception>
    public async Task SetBlockThresholdAsync(Domain domain, string device, ulong threshold, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        var qemu = ActiveQemu(domain);
        var node = FindImage(domain.Snapshot.Definition, device);
        await qemu.Monitor.ExecuteAsync(new BlockSetWriteThreshold(node, (long)Math.Min(threshold, long.MaxValue)), ct);
    }

    /// <summary>The node that reads and writes the image's file.</summary>
    private static string FindImage(DomainDefinition running, string device)
    {
        var parts = DeviceName().Match(device);
        if (!parts.Success)
            throw new WherryException(ErrorCode.InvalidArg, $"failed to parse block device '{device}'");
        var target = parts.Groups["target"].Value;
        var disk = running.Spec.Disks.FirstOrDefault(disk => disk.TargetDev == target)
            ?? throw new WherryException(ErrorCode.InvalidArg, $"failed to find disk '{target}'");
        int?[] known = [disk.Source?.Index, .. running.Document.BlockNodeNumbers(disk.Alias ?? "")];
        var index = parts.Groups["index"].Success
            ? int.Parse(parts.Groups["index"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)
            : disk.Source?.Index;
        return index is not null && known.Contains(index)
            ? $"libvirt-{index}-storage"
            : throw new WherryException(ErrorCode.InvalidArg, $"failed to find disk '{device}'");
    }

    [GeneratedRegex(@"^(?<target>[^\[]*)(?:\[(?<index>\d{1,9})\])?$", RegexOptions.CultureInvariant)]
    private static partial Regex DeviceName();
}
