using System.Text;

namespace Wherry.Qemu.Process;

/// <summary>Runs a small program (qemu-img, tc, ovs-vsctl, dmidecode) to its end, and turns its failure into an error with its own words.</summary>
public sealed class ToolRunner
{
    // Metadata work only: nothing that copies data is run by this.
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private const int MaxOutput = 1 << 20;

    private readonly ProcessSupervisor _processes;
    private readonly TimeProvider _time;

    public ToolRunner(ProcessSupervisor processes, TimeProvider time)
    {
        _processes = processes;
        _time = time;
    }

    /// <summary>A program of this name in PATH, or where those of administrators are.</summary>
    /// <exception cref="WherryException">SystemError: there is none.</exception>
    public static string Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin"])
            .Where(Path.IsPathRooted).Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists)
        ?? throw new WherryException(ErrorCode.SystemError, $"Cannot find '{name}' in path: No such file or directory", ErrorDomain.None);

    /// <param name="executable">Absolute path.</param>
    /// <param name="arguments">As the program gets them; no shell is involved.</param>
    /// <param name="ct">Ends the program.</param>
    /// <exception cref="WherryException">OperationFailed: it failed, with the last lines it wrote; OperationTimeout: it did not end.</exception>
    public async Task RunAsync(string executable, IEnumerable<string> arguments, CancellationToken ct)
    {
        var (status, said) = await CompleteAsync(executable, arguments, ct);
        if (status is not { Code: 0 })
            throw new WherryException(ErrorCode.OperationFailed, $"{executable} failed ({status}): {said.Trim()}");
    }

    /// <summary>For a program whose failure is the caller's to tell.</summary>
    /// <returns>How it ended, and the last lines it wrote.</returns>
    /// <exception cref="WherryException">OperationTimeout: it did not end.</exception>
    public Task<(ExitStatus Status, string Said)> CompleteAsync(string executable, IEnumerable<string> arguments, CancellationToken ct) =>
        CompleteAsync(executable, arguments, log => LogTail.Read(log, 0), ct);

    /// <summary>For a program that tells something.</summary>
    /// <returns>All that it wrote, up to 1 MiB; null: it is not there, or failed.</returns>
    /// <exception cref="WherryException">OperationTimeout: it did not end.</exception>
    public async Task<string?> ReadAsync(string executable, IEnumerable<string> arguments, CancellationToken ct)
    {
        if (!File.Exists(executable))
            return null;
        var (status, said) = await CompleteAsync(executable, arguments, ReadAll, ct);
        return status is { Code: 0 } ? said : null;
    }

    private static string ReadAll(string log)
    {
        using var file = File.OpenRead(log);
        var bytes = new byte[Math.Min(file.Length, MaxOutput)];
        return Encoding.UTF8.GetString(bytes, 0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
    }

    private async Task<(ExitStatus Status, string Said)> CompleteAsync(
        string executable, IEnumerable<string> arguments, Func<string, string> read, CancellationToken ct)
    {
        var output = Path.Combine(Path.GetTempPath(), $"wherry-tool-{Guid.NewGuid():N}");
        try
        {
            var process = _processes.Start(new ProcessStart { Executable = executable, Arguments = [.. arguments], LogPath = output });
            ExitStatus status;
            try
            {
                status = await process.Exited.WaitAsync(Deadline, _time, ct);
            }
            catch (TimeoutException e)
            {
                process.Signal(NativeProcess.SigKill);
                throw new WherryException(
                    ErrorCode.OperationTimeout, $"{executable} did not end within {Deadline.TotalSeconds:0} s", inner: e);
            }
            catch (OperationCanceledException)
            {
                process.Signal(NativeProcess.SigKill);
                throw;
            }

            return (status, read(output));
        }
        finally
        {
            File.Delete(output);
        }
    }
}
