using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Wherry.Xml;

namespace Wherry.Qemu.Storage;

/// <summary>What the kernel says of a file, its links followed.</summary>
/// <param name="Type">The four bits above the permissions.</param>
/// <param name="Size">Its length in bytes.</param>
/// <param name="Allocation">Bytes that it takes of the file system.</param>
internal sealed partial record FileStatus(int Type, ulong Size, ulong Allocation, FilePermissions Permissions, FileTimes Times)
{
    public const int Regular = 0x8000, Directory = 0x4000;

    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint BasicStatistics = 0x7ff; // STATX_BASIC_STATS
    private const int StatxLength = 256, OwnerAt = 20, GroupAt = 24, ModeAt = 28, SizeAt = 40, BlocksAt = 48, ReadAt = 64, ChangedAt = 96, WrittenAt = 112;
    private const int MayWrite = 2; // W_OK
    private const int TypeMask = 0xF000, PermissionMask = 0xFFF;
    private const ulong SectorBytes = 512;

    /// <summary>null: it cannot be looked at, most often because it is not there.</summary>
    public static FileStatus? Read(string path)
    {
        Span<byte> status = stackalloc byte[StatxLength];
        if (Statx(CurrentDirectory, path, 0, BasicStatistics, ref MemoryMarshal.GetReference(status)) != 0)
            return null;
        int mode = BinaryPrimitives.ReadUInt16LittleEndian(status[ModeAt..]);
        return new FileStatus(
            mode & TypeMask,
            BinaryPrimitives.ReadUInt64LittleEndian(status[SizeAt..]),
            BinaryPrimitives.ReadUInt64LittleEndian(status[BlocksAt..]) * SectorBytes,
            new FilePermissions(
                mode & PermissionMask, BinaryPrimitives.ReadUInt32LittleEndian(status[OwnerAt..]), BinaryPrimitives.ReadUInt32LittleEndian(status[GroupAt..])),
            new FileTimes(Time(status[ReadAt..]), Time(status[WrittenAt..]), Time(status[ChangedAt..])));
    }

    /// <summary>Why we, and so a QEMU of ours, could not write to it: an errno; 0: we could.</summary>
    public static int WriteError(string path) => Access(path, MayWrite) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <exception cref="WherryException">SystemError: the kernel refuses.</exception>
    public static void ChangeOwner(string path, uint? owner, uint? group)
    {
        if ((owner ?? group) is not null && Chown(path, owner ?? uint.MaxValue, group ?? uint.MaxValue) != 0)
            throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), $"cannot chown '{path}' to ({owner}, {group})", ErrorDomain.Storage);
    }

    private static FileTime Time(ReadOnlySpan<byte> time) =>
        new(BinaryPrimitives.ReadInt64LittleEndian(time), BinaryPrimitives.ReadUInt32LittleEndian(time[8..]));

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int directory, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Access(string path, int mode);

    [LibraryImport("libc", EntryPoint = "chown", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Chown(string path, uint owner, uint group);
}
