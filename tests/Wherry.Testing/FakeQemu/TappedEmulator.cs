using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Wherry.Testing;

/// <summary>
/// An emulator whose monitor a test can reach into, although a daemon starts it: a script that changes places with QEMU.
/// <code>
///   daemon ── listening socket ──► script ── "fd 17 of mine" ──► test takes it (pidfd_getfd) and puts a QmpProxy behind it
///                                     │  ◄─ a path ──────────────┘                                       │
///                                     └─ becomes QEMU (same pid), which listens on that path ◄───────────┘
/// </code>
/// A QEMU that is only probed is left alone.
/// </summary>
public sealed partial class TappedEmulator : IAsyncDisposable
{
    private const int SolSocket = 1, SoPeerCred = 17;
    private const long PidFdOpen = 434, PidFdGetFd = 438; // the same numbers on every architecture

    private const string Script = """
        #!/usr/bin/python3 -IS
        import os, re, socket, sys
        arguments = sys.argv[1:]
        place = next((i for i, a in enumerate(arguments) if a.startswith("socket,id=charmonitor,fd=")), None)
        if place is not None and "chardev=charmonitor,id=monitor,mode=control" in arguments:
            fd = re.search("fd=([0-9]+)", arguments[place]).group(1)
            test = socket.socket(socket.AF_UNIX)
            test.connect("@TEST@")
            test.sendall((fd + "\n").encode())
            path = test.makefile().readline().strip()
            monitor = socket.socket(socket.AF_UNIX)
            monitor.bind(path)
            monitor.listen(1)
            test.sendall(b"listening\n")
            test.recv(1)
            os.set_inheritable(monitor.fileno(), True)
            arguments[place] = arguments[place].replace("fd=" + fd, "fd=%d" % monitor.fileno())
            os.close(int(fd))
        os.execv("@EMULATOR@", ["@EMULATOR@"] + arguments)

        """;

    private readonly string _directory;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private readonly List<TappedMonitor> _monitors = [];
    private readonly Task _accepting;
    private TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="directory">For its files; every host of the testbed must see it.</param>
    /// <param name="emulator">The real one.</param>
    public TappedEmulator(string directory, string emulator)
    {
        _directory = directory;
        Path = System.IO.Path.Combine(directory, "tapped-qemu");
        var socket = System.IO.Path.Combine(directory, "taps");
        _listener.Bind(new UnixDomainSocketEndPoint(socket));
        _listener.Listen();
        File.WriteAllText(Path, Script.Replace("@TEST@", socket, StringComparison.Ordinal).Replace("@EMULATOR@", emulator, StringComparison.Ordinal));
        File.SetUnixFileMode(Path, (UnixFileMode)0b111_101_101);
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>For a domain's emulator element.</summary>
    public string Path { get; }

    /// <summary>Called for each QEMU before it or the daemon has said anything, with its number in the order of their starts.</summary>
    public Action<int, QmpProxy> Starting { get; set; } = (_, _) => { };

    /// <summary>The QEMUs so far, in the order of their starts.</summary>
    public IReadOnlyList<TappedMonitor> Monitors
    {
        get
        {
            lock (_gate)
                return [.. _monitors];
        }
    }

    /// <summary>Waits for the QEMU of that number.</summary>
    public async Task<TappedMonitor> MonitorAsync(int number)
    {
        using var limit = new CancellationTokenSource(Deadline.Default);
        while (true)
        {
            Task started;
            lock (_gate)
            {
                if (_monitors.Count > number)
                    return _monitors[number];
                started = _started.Task;
            }

            await started.WaitAsync(limit.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (var monitor in Monitors)
            await monitor.Proxy.DisposeAsync();
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using var script = await _listener.AcceptAsync(_ending.Token);
                using var lines = new StreamReader(new NetworkStream(script));
                var fd = int.Parse(await lines.ReadLineAsync(_ending.Token) ?? throw new IOException("no file descriptor"), CultureInfo.InvariantCulture);
                var path = System.IO.Path.Combine(_directory, $"qmp-{Monitors.Count}");
                await script.SendAsync(System.Text.Encoding.ASCII.GetBytes(path + "\n"));
                await lines.ReadLineAsync(_ending.Token);
                Tap(PidOf(script), fd, path);
                await script.SendAsync(new byte[1]);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private void Tap(int pid, int fd, string path)
    {
        using var process = new SafeFileHandle((nint)Checked(Call(PidFdOpen, pid, 0, 0)), ownsHandle: true);
        var listener = new Socket(new SafeSocketHandle((nint)Checked(Call(PidFdGetFd, process.DangerousGetHandle(), fd, 0)), ownsHandle: true));
        var proxy = new QmpProxy(listener, path, path);
        Starting(Monitors.Count, proxy);
        lock (_gate)
        {
            _monitors.Add(new TappedMonitor(pid, proxy));
            _started.SetResult();
            _started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private static int PidOf(Socket script)
    {
        Span<byte> credentials = stackalloc byte[12]; // struct ucred: pid, uid, gid
        script.GetRawSocketOption(SolSocket, SoPeerCred, credentials);
        return BitConverter.ToInt32(credentials);
    }

    private static long Checked(long result) =>
        result >= 0 ? result : throw new IOException($"no file descriptor of another process: errno {Marshal.GetLastPInvokeError()}");

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long Call(long number, long first, long second, long third);
}

/// <param name="Pid">Of the QEMU, as this process sees it.</param>
/// <param name="Proxy">Between it and its daemon.</param>
public sealed record TappedMonitor(int Pid, QmpProxy Proxy);
