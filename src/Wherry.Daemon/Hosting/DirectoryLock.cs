using Wherry.Errors;

namespace Wherry.Daemon.Hosting;

/// <summary>Keeps a second daemon off the same directories. The kernel drops the lock with the process, however that ends.</summary>
internal sealed class DirectoryLock : IDisposable
{
    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <exception cref="WherryException">OperationFailed: another daemon holds it; the message has its pid.</exception>
    public static DirectoryLock Take(string directory)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
            | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        var path = Path.Combine(directory, "wherryd.lock");
        try
        {
            // FileShare.None is flock(LOCK_EX | LOCK_NB), close-on-exec: no QEMU inherits it.
            var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            file.SetLength(0);
            file.Write(System.Text.Encoding.ASCII.GetBytes($"{Environment.ProcessId}\n"));
            file.Flush();
            return new DirectoryLock(file);
        }
        catch (IOException e)
        {
            throw new WherryException(ErrorCode.OperationFailed, $"another wherryd uses '{directory}' ({e.Message})", ErrorDomain.None, e);
        }
    }

    public void Dispose() => _file.Dispose();
}
