using Wherry.Qemu.State;
using Wherry.Xml;

namespace Wherry.Qemu.Firmware;

/// <summary>A guest's UEFI variables: its boot entries and keys, which QEMU writes as the guest does.</summary>
internal static class NvramFile
{
    /// <summary>Far above any flash that a PC has (8 MiB).</summary>
    private const int MaxBytes = 64 * 1024 * 1024;

    private const int NoEntry = 2; // ENOENT

    /// <summary>Gives a guest its first variables; those that it has are left alone.</summary>
    /// <param name="os">With its firmware chosen.</param>
    /// <param name="reset">Those that it has are replaced.</param>
    /// <param name="incoming">
    /// It arrives from elsewhere, with its variables where its former host had them: this host may never have had such a directory.
    /// </param>
    /// <exception cref="WherryException">OPERATION_FAILED: nobody says what they are at first. SYSTEM_ERROR: a file cannot be read or written.</exception>
    public static void Prepare(OsSpec os, bool reset, bool incoming)
    {
        if (!os.Loader.IsFlash || os.Nvram.Path is not { } path)
            return;
        try
        {
            if (Exists(path) && !reset)
                return;
            var first = Read(FirmwareChoice.TemplateOf(os));
            if (incoming && Path.GetDirectoryName(path) is { Length: > 0 } directory)
                Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            DurableFile.Write(path, first);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"Failed to create file '{path}'", e);
        }
    }

    /// <summary>Whole or not at all, also after a power cut.</summary>
    /// <exception cref="WherryException">SYSTEM_ERROR.</exception>
    public static void Copy(string from, string to)
    {
        var variables = Read(from);
        try
        {
            DurableFile.Write(to, variables);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"Failed to create file '{to}'", e);
        }
    }

    /// <exception cref="WherryException">SYSTEM_ERROR.</exception>
    public static void Remove(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"failed to remove nvram: {path}", e);
        }
    }

    /// <summary>Not <see cref="File.Exists"/>, for which what cannot be looked at is not there: it would be replaced.</summary>
    private static bool Exists(string path)
    {
        try
        {
            File.GetAttributes(path);
            return true;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    private static byte[] Read(string path)
    {
        if (!File.Exists(path))
            throw WherryException.FromErrno(NoEntry, $"Failed to open file '{path}'");
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > MaxBytes)
                throw new WherryException(ErrorCode.OperationFailed, $"'{path}' is longer than {MaxBytes} bytes");
            var content = new byte[file.Length];
            file.ReadExactly(content);
            return content;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"Unable to read from file '{path}'", e);
        }
    }

    private static WherryException Failed(string what, Exception e) => new(ErrorCode.SystemError, $"{what}: {e.Message}", inner: e);
}
