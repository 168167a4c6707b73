using System.Diagnostics;

namespace Wherry.Testbed.Hosts;

/// <summary>
/// One run's files, in a directory with a name that nothing else has, and the promise that nothing stays behind: a small shell outside our
/// session waits for the end of a pipe that only we hold. When we dispose, are interrupted, or are killed outright, the pipe ends, and the
/// shell kills every process whose command line names the directory (daemons, and QEMUs, which outlive them on purpose) and deletes it.
/// </summary>
public sealed class RunDirectory : IAsyncDisposable
{
    // Processes may still be starting others while we look, so it looks until it finds none.
    private const string Janitor = """
        trap '' INT TERM HUP
        read -r _
        while :; do
            found=
            for p in $(grep -slF "$1" /proc/[0-9]*/cmdline); do
                p=${p#/proc/}; p=${p%/cmdline}
                [ "$p" = $$ ] || { kill -KILL "$p" 2>/dev/null && found=yes; }
            done
            [ "$found" ] || break
            sleep 0.02
        done
        rm -rf "$1"
        """;

    private readonly Process _janitor;

    private RunDirectory(string path, Process janitor)
    {
        Path = path;
        _janitor = janitor;
    }

    public string Path { get; }

    /// <param name="inMemory">On tmpfs, for measurements that the machine's disk must not enter.</param>
    public static RunDirectory Create(bool inMemory = false)
    {
        // Short: the paths of unix sockets in it are limited to 107 bytes.
        var path = System.IO.Path.Combine(inMemory ? "/dev/shm" : "/tmp", $"wherry-{Convert.ToHexStringLower(Guid.NewGuid().ToByteArray().AsSpan(0, 4))}");
        Directory.CreateDirectory(path);
        var janitor = Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", Janitor, "wherry-janitor", path]) { RedirectStandardInput = true })!;
        return new RunDirectory(path, janitor);
    }

    public string File(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Path, .. parts]);

    public string CreateDirectory(params ReadOnlySpan<string> parts) => Directory.CreateDirectory(File(parts)).FullName;

    public async ValueTask DisposeAsync()
    {
        _janitor.StandardInput.Close();
        await _janitor.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
        _janitor.Dispose();
    }
}
