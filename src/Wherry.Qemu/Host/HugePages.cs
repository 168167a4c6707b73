using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>Changes how many huge pages a NUMA cell keeps ready (<c>virsh allocpages</c>).</summary>
public static class HugePages
{
    /// <param name="cell">-1 for the host as a whole.</param>
    /// <param name="sizeKiB">Page size.</param>
    /// <param name="count">Pages to have, or to add.</param>
    /// <exception cref="WherryException">OperationUnsupported for the system's own page size; OperationFailed when there is no such size, or
    /// the kernel found less memory than asked for.</exception>
    public static void Set(HostFiles files, int cell, uint sizeKiB, ulong count, bool add)
    {
        if (sizeKiB == Environment.SystemPageSize / 1024)
            throw new WherryException(ErrorCode.OperationUnsupported, "system pages pool can't be modified", ErrorDomain.None);
        var pools = cell < 0 ? "sys/kernel/mm/hugepages" : $"{NumaCell.Directory}/node{cell}/hugepages";
        var path = $"{pools}/hugepages-{sizeKiB}kB/nr_hugepages";
        if (files.TryReadNumber(path) is not { } before)
            throw NotAvailable(sizeKiB, cell);
        var wanted = add ? (ulong)before + count : count;
        if (wanted == (ulong)before)
            return;
        try
        {
            files.WriteText(path, wanted.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, $"Unable to write to: /{path}: {e.Message}", ErrorDomain.None, e);
        }
        if (files.TryReadNumber(path) is { } after && (ulong)after != wanted)
            throw new WherryException(
                ErrorCode.OperationFailed, $"Unable to allocate {wanted} pages. Allocated only {after}", ErrorDomain.None);
    }

    public static WherryException NotAvailable(uint sizeKiB, int cell) =>
        new(ErrorCode.OperationFailed, $"page size {sizeKiB} is not available{(cell < 0 ? "" : $" on node {cell}")}", ErrorDomain.None);
}
