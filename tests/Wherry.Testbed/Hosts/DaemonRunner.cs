using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Wherry.Testbed.Hosts;

/// <summary>A virtualisation daemon under test on a <see cref="TestHost"/>: wherryd, or the stock libvirtd that it stands beside.</summary>
public abstract class DaemonRunner(TestHost host) : IAsyncDisposable
{
    protected static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private Process? _process;

    public TestHost Host { get; } = host;

    public abstract string Name { get; }

    /// <summary>The URI for a client on this machine, outside of the host's namespaces: a unix socket.</summary>
    public abstract string Uri { get; }

    /// <summary>The path of that socket.</summary>
    public string SocketPath => Uri[(Uri.IndexOf("socket=", StringComparison.Ordinal) + "socket=".Length)..];

    /// <summary>The URI for the peer host: TCP over the control link.</summary>
    public abstract string PeerUri { get; }

    /// <summary>The daemon's process, as this process sees it; killing it leaves its QEMUs alone.</summary>
    public int Pid { get; private set; }

    public string LogPath => Path.Combine(Host.Directory, $"{Name}.log");

    /// <summary>A virsh connected to this daemon.</summary>
    public Virsh Virsh => new(this);

    /// <summary>Starts the daemon and returns when it serves.</summary>
    public async Task StartAsync(params (string Name, string Value)[] environment)
    {
        var notifications = Path.Combine(Host.Directory, "notify");
        File.Delete(notifications);
        using var notified = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        notified.Bind(new UnixDomainSocketEndPoint(notifications));
        // A shell, so that both outputs are appended to the log by the daemon itself and survive this process.
        string[] shell = ["sh", "-c", $"exec \"$@\" >>'{LogPath}' 2>&1 </dev/null", "sh"];
        var command = Host.Enter([.. shell, .. CommandLine()]);
        var start = new ProcessStartInfo(command[0], command.Skip(1));
        start.Environment["NOTIFY_SOCKET"] = notifications;
        start.Environment["TMPDIR"] = Host.Directory; // A daemon that is killed leaves what it was using.
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        try
        {
            await WaitUntilReadyAsync(notified).WaitAsync(StartLimit);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{Name} on {Host.Name} was not ready within {StartLimit.TotalSeconds} s\n{LogTail()}", e);
        }

        Pid = Host.PidInside(_process);
    }

    /// <summary>Asks the daemon to end (SIGTERM) and waits until it has.</summary>
    public Task StopAsync() => EndAsync(PosixSignal.Terminate);

    /// <summary>SIGKILL: the daemon gets no chance to write or say anything.</summary>
    public Task KillAsync() => EndAsync(PosixSignal.Kill);

    public void Signal(PosixSignal signal)
    {
        PosixProcess.Signal(Pid, signal);

        // nsenter stops itself with its child, and would not see the end of one that runs again.
        if (signal == PosixSignal.Continue)
            PosixProcess.Signal(_process!.Id, signal);
    }

    /// <summary>Completes when the daemon's process has ended, by whatever cause.</summary>
    public Task Exited(CancellationToken ct = default) => _process!.WaitForExitAsync(ct);

    public bool HasExited => _process is { HasExited: true };

    public string LogTail(int lines = 40) =>
        File.Exists(LogPath) ? string.Join('\n', File.ReadLines(LogPath).TakeLast(lines)) : "(no log)";

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
            await KillAsync();
        _process?.Dispose();
    }

    protected abstract IEnumerable<string> CommandLine();

    /// <summary>By default the daemon says READY=1 to systemd's notification socket.</summary>
    protected virtual async Task WaitUntilReadyAsync(Socket notified)
    {
        var buffer = new byte[4096];
        while (true)
        {
            using var poll = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
            try
            {
                var length = await notified.ReceiveAsync(buffer.AsMemory(), poll.Token);
                if (Encoding.UTF8.GetString(buffer, 0, length).Split('\n').Contains("READY=1"))
                    return;
            }
            catch (OperationCanceledException)
            {
                ThrowIfExited();
            }
        }
    }

    protected void ThrowIfExited()
    {
        if (_process!.HasExited)
            throw new InvalidOperationException($"{Name} on {Host.Name} ended with {_process.ExitCode}\n{LogTail()}");
    }

    private async Task EndAsync(PosixSignal signal)
    {
        Signal(signal);
        // nsenter stops itself with a daemon that was stopped, and would not see its end.
        PosixProcess.Signal(_process!.Id, PosixSignal.Continue);
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }
}

/// <summary>Linux's signal numbers.</summary>
public enum PosixSignal
{
    Interrupt = 2,
    Kill = 9,
    Terminate = 15,
    Continue = 18,
    Stop = 19,
}

/// <summary>Signals to processes that the test started.</summary>
public static partial class PosixProcess
{
    public static void Signal(int pid, PosixSignal signal) => Kill(pid, (int)signal);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int pid, int signal);
}
