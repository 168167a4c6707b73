using System.Buffers.Binary;
using System.Text;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// What a qcow2 header says about the image below. Layout (docs/interop/qcow2.txt in QEMU), all big-endian:
/// <code>
///   0 magic "QFI\xfb" | 4 version | 8 backing file offset (u64) | 16 backing file size (u32) | 20 cluster bits | 24 size (u64) | ...
///   100 header length (version 3)
///   then extensions: type (u32), length (u32), data padded to 8 bytes; type 0 ends them, 0xE2792ACA is the backing file's format
/// </code>
/// </summary>
/// <param name="BackingFile">As written, possibly relative to the image's directory; null for none.</param>
/// <param name="BackingFormat">null when the header does not say.</param>
/// <param name="VirtualSize">What the guest sees, in bytes.</param>
/// <param name="Compat">The format's version as qemu-img names it.</param>
/// <param name="ClusterBytes">Size of its unit of allocation.</param>
internal sealed record Qcow2Header(string? BackingFile, DiskFormat? BackingFormat, ulong VirtualSize, string Compat, uint ClusterBytes)
{
    private const uint Magic = 0x514649FB;
    private const uint BackingFormatExtension = 0xE2792ACA;
    private const int Version2Length = 72;

    /// <summary>QEMU's own limit for the name.</summary>
    private const uint MaxBackingFileBytes = 1023;

    /// <summary>Header, extensions and name lie in the first cluster, which is at least this long where it matters.</summary>
    private const int MaxHeaderBytes = 64 * 1024;

    /// <summary>null: this is no qcow2 image.</summary>
    public static Qcow2Header? Read(string path)
    {
        if (!File.Exists(path))
            return null;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var buffer = new byte[MaxHeaderBytes];
        var header = buffer.AsSpan(0, RandomAccess.Read(file, buffer, fileOffset: 0));
        if (header.Length < Version2Length || BinaryPrimitives.ReadUInt32BigEndian(header) != Magic)
            return null;

        var offset = BinaryPrimitives.ReadUInt64BigEndian(header[8..]);
        var size = BinaryPrimitives.ReadUInt32BigEndian(header[16..]);
        var virtualSize = BinaryPrimitives.ReadUInt64BigEndian(header[24..]);
        var compat = BinaryPrimitives.ReadUInt32BigEndian(header[4..]) == 2 ? "0.10" : "1.1";
        var clusterBytes = 1u << (int)(BinaryPrimitives.ReadUInt32BigEndian(header[20..]) & 31);
        if (offset == 0 || size == 0)
            return new Qcow2Header(null, null, virtualSize, compat, clusterBytes);
        if (size > MaxBackingFileBytes || offset > (ulong)header.Length || size > (ulong)header.Length - offset)
            throw new WherryException(ErrorCode.InternalError, $"invalid backing file name in the header of '{path}'", ErrorDomain.Storage);
        return new Qcow2Header(Encoding.UTF8.GetString(header.Slice((int)offset, (int)size)), ReadFormat(header, path), virtualSize, compat, clusterBytes);
    }

    private static DiskFormat? ReadFormat(ReadOnlySpan<byte> header, string path)
    {
        var version = BinaryPrimitives.ReadUInt32BigEndian(header[4..]);
        var at = version >= 3 && header.Length >= 104 ? (long)BinaryPrimitives.ReadUInt32BigEndian(header[100..]) : Version2Length;
        while (at + 8 <= header.Length)
        {
            var type = BinaryPrimitives.ReadUInt32BigEndian(header[(int)at..]);
            var length = BinaryPrimitives.ReadUInt32BigEndian(header[((int)at + 4)..]);
            at += 8;
            if (type == 0 || length > header.Length - at)
                break;
            if (type == BackingFormatExtension)
            {
                return Encoding.ASCII.GetString(header.Slice((int)at, (int)length)) switch
                {
                    "raw" => DiskFormat.Raw,
                    "qcow2" => DiskFormat.Qcow2,
                    var other => throw new WherryException(ErrorCode.ConfigUnsupported, $"backing file of '{path}' has unsupported format '{other}'"),
                };
            }
            at += (length + 7) & ~7L;
        }
        return null;
    }
}
