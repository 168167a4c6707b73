using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Statistics;

/// <summary>Sizes of a disk image that no QEMU has open, in bytes.</summary>
/// <param name="Allocation">What it takes of the file system.</param>
/// <param name="Capacity">What a guest would see.</param>
/// <param name="Physical">Length of the file or of the block device.</param>
public sealed partial record ImageFile(ulong Allocation, ulong Capacity, ulong Physical)
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint BasicStatistics = 0x7ff; // STATX_BASIC_STATS
    private const int StatxLength = 256, ModeAt = 28, SizeAt = 40, BlocksAt = 48;
    private const int TypeMask = 0xF000, BlockDevice = 0x6000;
    private const ulong SectorBytes = 512;

    /// <exception cref="WherryException">SystemError: it is missing or cannot be read.</exception>
    public static ImageFile Read(string path, DiskFormat format)
    {
        Span<byte> status = stackalloc byte[StatxLength];
        if (Statx(CurrentDirectory, path, 0, BasicStatistics, ref MemoryMarshal.GetReference(status)) != 0)
            throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), $"Failed to open file '{path}'");
        ulong physical, allocation;
        if ((BinaryPrimitives.ReadUInt16LittleEndian(status[ModeAt..]) & TypeMask) == BlockDevice)
        {
            physical = allocation = BlockDeviceBytes(path);
        }
        else
        {
            physical = BinaryPrimitives.ReadUInt64LittleEndian(status[SizeAt..]);
            allocation = BinaryPrimitives.ReadUInt64LittleEndian(status[BlocksAt..]) * SectorBytes;
        }
        var capacity = format == DiskFormat.Qcow2 ? Qcow2Header.Read(path)?.VirtualSize : null;
        return new ImageFile(allocation, capacity ?? physical, physical);
    }

    private static ulong BlockDeviceBytes(string path)
    {
        var device = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        return ulong.TryParse(new Host.HostFiles().TryReadText($"sys/class/block/{Path.GetFileName(device)}/size"), NumberStyles.AllowTrailingWhite,
            CultureInfo.InvariantCulture, out var sectors)
            ? sectors * SectorBytes
            : 0;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int directory, string path, int flags, uint mask, ref byte status);
}
