using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Wherry.Qemu.ControlGroups;

/// <summary>The files of the running kernel.</summary>
/// <remarks>System calls instead of .NET's files: which errno the kernel gave decides what is told to the client.</remarks>
public sealed unsafe partial class KernelCgroupFiles : ICgroupFiles
{
    /// <summary>libvirt's limit for one of these files, in bytes.</summary>
    private const int LongestFile = 1024 * 1024;

    private const int OpenWriteOnly = 1, CloseOnExec = 0x80000;
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint BasicStatistics = 0x7ff; // STATX_BASIC_STATS
    private const int StatxLength = 256, ModeAt = 28, DeviceMajorAt = 128, DeviceMinorAt = 132;
    private const int TypeMask = 0xF000, BlockDeviceType = 0x6000;

    /// <inheritdoc/>
    public bool Exists(string path) => Path.Exists(path);

    /// <inheritdoc/>
    public string? TryRead(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
            using var reader = new StreamReader(stream);
            var text = new StringBuilder();
            var buffer = new char[4096];
            int count;
            while ((count = reader.Read(buffer)) > 0)
            {
                if (text.Length + count > LongestFile)
                    throw new IOException("it is longer than 1 MiB");
                text.Append(buffer, 0, count);
            }
            return text.ToString();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, $"Unable to read from '{path}': {e.Message}", ErrorDomain.Cgroup, e);
        }
    }

    /// <inheritdoc/>
    public int Write(string path, string value)
    {
        var file = Open(path, OpenWriteOnly | CloseOnExec);
        if (file < 0)
            return Marshal.GetLastPInvokeError();
        try
        {
            var bytes = Encoding.UTF8.GetBytes(value);
            fixed (byte* first = bytes)
                return WriteFile(file, first, (nuint)bytes.Length) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        finally
        {
            _ = Close(file);
        }
    }

    /// <inheritdoc/>
    public int MakeDirectory(string path) => MakeDirectory(path, 0x1ED /* 0755 */) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <inheritdoc/>
    public int RemoveDirectory(string path) => RemoveEmptyDirectory(path) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <inheritdoc/>
    public IReadOnlyList<string> Directories(string path)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(path).Select(found => Path.GetFileName(found)!)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    /// <inheritdoc/>
    public (uint Major, uint Minor) BlockDevice(string path)
    {
        Span<byte> status = stackalloc byte[StatxLength];
        if (Statx(CurrentDirectory, path, 0, BasicStatistics, ref MemoryMarshal.GetReference(status)) != 0)
            throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), $"Path '{path}' is not accessible", ErrorDomain.Cgroup);
        return (BinaryPrimitives.ReadUInt16LittleEndian(status[ModeAt..]) & TypeMask) == BlockDeviceType
            ? (BinaryPrimitives.ReadUInt32LittleEndian(status[DeviceMajorAt..]), BinaryPrimitives.ReadUInt32LittleEndian(status[DeviceMinorAt..]))
            : throw WherryException.FromErrno(CgroupErrno.Invalid, $"Path '{path}' must be a block device", ErrorDomain.Cgroup);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteFile(int file, byte* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "mkdir", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int MakeDirectory(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "rmdir", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int RemoveEmptyDirectory(string path);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Statx(int directory, string path, int flags, uint mask, ref byte status);
}
