namespace Wherry.Xml;

/// <summary>A size in bytes. libvirt's XML and API count memory in KiB, QMP in bytes; the unit lives here and nowhere else.</summary>
public readonly record struct ByteSize(ulong Bytes) : IComparable<ByteSize>
{
    public static ByteSize FromKiB(ulong kib) => new(checked(kib * 1024));

    public static ByteSize FromMiB(ulong mib) => new(checked(mib * 1024 * 1024));

    /// <summary>Whole KiB, rounded up, as libvirt rounds when it stores memory sizes.</summary>
    public ulong KiB => (Bytes / 1024) + (Bytes % 1024 == 0 ? 0UL : 1UL);

    /// <summary>Whole MiB, rounded down.</summary>
    public ulong MiB => Bytes >> 20;

    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;

    public override string ToString() => $"{KiB} KiB";
}
