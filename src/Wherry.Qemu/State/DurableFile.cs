using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Wherry.Qemu.State;

/// <summary>
/// Files that are whole or absent after a power cut: written to a temporary name, flushed, renamed, directory flushed.
/// </summary>
/// <remarks>
/// Why each step: without the file's fsync the rename may survive a crash and the content may not (an empty file under the right name);
/// without the directory's fsync the rename itself may be lost. Source: rename(2), fsync(2), "Ensuring data reaches disk" (LWN 457667).
/// </remarks>
public static partial class DurableFile
{
    /// <summary>Ends every temporary name; <see cref="StateDirectory"/> removes left-overs of a crash when it loads.</summary>
    public const string TemporarySuffix = ".new";

    private const int OpenReadOnly = 0;
    private const int OpenDirectory = 0x10000;
    private const int OpenCloseOnExec = 0x80000;

    /// <summary>Replaces the file by <paramref name="content"/>.</summary>
    /// <exception cref="IOException">No space, read-only file system and the like; the old content (or absence) is untouched, nothing is left behind.</exception>
    /// <exception cref="DirectoryFlushException">The new content is in place, but either may be found after a power cut.</exception>
    public static async Task WriteAsync(string path, ReadOnlyMemory<byte> content, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        // Off the caller's thread: fsync may take as long as the disk likes. Not cancellable from here on, so never half done.
        await Task.Run(() => Write(path, content.Span), CancellationToken.None);
    }

    /// <summary>The same, on the calling thread.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var temporary = path + TemporarySuffix;
        try
        {
            File.Delete(temporary);
            var options = new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                Share = FileShare.None,
                BufferSize = 0,
                // Documents may hold passwords (VNC), so nobody but the owner reads them.
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            };
            using (var file = new FileStream(temporary, options))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
        FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Removes the file so that it stays removed. An absent file is no error.</summary>
    public static void Delete(string path)
    {
        if (!File.Exists(path))
            return;
        File.Delete(path);
        FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Makes renames and removals in the directory durable.</summary>
    public static void FlushDirectory(string directory)
    {
        var fd = Open(directory, OpenReadOnly | OpenDirectory | OpenCloseOnExec);
        if (fd < 0)
            throw LastError("open", directory);
        try
        {
            if (Fsync(fd) != 0)
                throw LastError("fsync", directory);
        }
        finally
        {
            _ = Close(fd);
        }
    }

    private static DirectoryFlushException LastError(string call, string path)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new DirectoryFlushException($"{call} of directory '{path}': {new Win32Exception(errno).Message}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int fd);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int fd);
}

/// <summary>A rename or removal was done, but the directory could not be flushed: whether it survives a power cut is unknown.</summary>
public sealed class DirectoryFlushException(string message) : IOException(message);
