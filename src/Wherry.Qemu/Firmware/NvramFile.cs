using Wherry.Qemu.State;
using Wherry.Xml;

namespace Wherry.Qemu.Firmware;

/// <summary>A guest's UEFI variables: its boot entries and keys, which QEMU writes as the guest does.</summary>
internal static class NvramFile
{
    /// <summary>Far above any flash that a PC has (8 MiB).</summary>
    private const int MaxTemplateBytes = 64 * 1024 * 1024;

    private const int NoEntry = 2; // ENOENT

    /// <summary>Gives a guest its first variables; those that it has are left alone.</summary>
    /// <param name="os">With its firmware chosen.</param>
    /// <param name="reset">Those that it has are replaced.</param>
    /// <exception cref="WherryException">OPERATION_FAILED: nobody says what they are at first. SYSTEM_ERROR: a file cannot be read or written.</exception>
    public static void Prepare(OsSpec os, bool reset)
    {
        if (!os.Loader.IsFlash || os.Nvram.Path is not { } path || (File.Exists(path) && !reset))
            return;
        var template = FirmwareChoice.TemplateOf(os);
        if (!File.Exists(template))
            throw WherryException.FromErrno(NoEntry, $"Failed to open file '{template}'");
        byte[] first;
        try
        {
            first = new FileInfo(template).Length <= MaxTemplateBytes
                ? File.ReadAllBytes(template)
                : throw new WherryException(ErrorCode.OperationFailed, $"'{template}' is longer than {MaxTemplateBytes} bytes");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"Failed to open file '{template}'", e);
        }

        try
        {
            // A guest that arrives has them where its former host had them, and this host may never have had such a directory.
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            DurableFile.Write(path, first);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Failed($"Failed to create file '{path}'", e);
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

    private static WherryException Failed(string what, Exception e) => new(ErrorCode.SystemError, $"{what}: {e.Message}", inner: e);
}
