using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Wherry.Qmp.Values;

namespace Wherry.Testing;

/// <summary>
/// A simulated QEMU: a process and a QMP server at a unix socket, with the run states, block jobs and migrations of QEMU 7.2 as they were
/// recorded from real ones. Nothing in it depends on time: it goes on at once, or it stands where the test holds it.
/// <code>
///   MonitorSession --unix socket--> connection: one at a time, in-band queue and out-of-band lane
///                                       |
///                     FakeQemu.Commands | refusals as QEMU's
///                                       v
///              run state    jobs (FakeQemu.Jobs)    migration (FakeQemu.Migration) -----> peer FakeQemu
///                                       |
///                  EventRules: drop, duplicate, hold back, permute ---> events (before the reply, as QEMU does)
/// </code>
/// </summary>
/// <remarks>One lock for all of them, as a migration changes two at once; it is held for a few assignments only.</remarks>
public sealed partial class FakeQemu : IAsyncDisposable
{
    private static readonly Lock Gate = new();

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("wherry-fake-");
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly CancellationTokenSource _ending = new();
    private readonly List<string> _received = []; // under Gate, as everything below
    private TaskCompletionSource _receivedMore = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly HashSet<string> _hungCommands = [];
    private readonly HashSet<string> _swallowed = [];
    private readonly Task _acceptLoop;
    private FakeMonitorConnection? _connection;
    private TaskCompletionSource? _mainLoopHang;
    private int _eventCount;

    /// <param name="incoming">Start as the destination of a migration (-incoming defer).</param>
    public FakeQemu(bool incoming = false)
    {
        Status = incoming ? RunState.Inmigrate : RunState.Prelaunch;
        Process = new FakeProcess(this);
        _listener.Bind(new UnixDomainSocketEndPoint(MonitorPath));
        _listener.Listen(1);
        _acceptLoop = Task.Run(AcceptLoopAsync);
    }

    public string MonitorPath => Path.Combine(_directory.FullName, "monitor");

    public FakeProcess Process { get; }

    public RunState Status { get; private set; }

    public bool Running => Status == RunState.Running;

    /// <summary>What happens to events on their way to the client.</summary>
    public EventRules Events { get; } = new();

    /// <summary>Names of all commands that arrived at the socket, in order, whether in work yet or not.</summary>
    public ImmutableArray<string> Received
    {
        get
        {
            lock (Gate)
            {
                return [.. _received];
            }
        }
    }

    /// <summary>Waits until a command of that name has been received.</summary>
    public async Task ReceivedAsync(string command, CancellationToken ct)
    {
        while (true)
        {
            Task more;
            lock (Gate)
            {
                if (_received.Contains(command))
                {
                    return;
                }

                more = _receivedMore.Task;
            }

            await more.WaitAsync(ct);
        }
    }

    /// <summary>From now on this command is received and not answered, and the ones behind it wait, until <see cref="ReleaseMainLoop"/> or a yank.</summary>
    public void Hang(string command)
    {
        lock (Gate)
        {
            _hungCommands.Add(command);
        }
    }

    /// <summary>The next such command has its effect, and its answer is lost.</summary>
    public void Swallow(string command)
    {
        lock (Gate)
        {
            _swallowed.Add(command);
        }
    }

    /// <summary>Blocks the main loop, as a dead NBD peer does: nothing in band is answered until <see cref="ReleaseMainLoop"/> or a yank.</summary>
    public void HangMainLoop()
    {
        lock (Gate)
        {
            _mainLoopHang ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void ReleaseMainLoop()
    {
        lock (Gate)
        {
            _hungCommands.Clear();
            _mainLoopHang?.TrySetResult();
            _mainLoopHang = null;
        }
    }

    /// <summary>Several changes as one: no command has its effect between them.</summary>
    public static void AtOnce(Action changes)
    {
        lock (Gate)
        {
            changes();
        }
    }

    /// <summary>Ends the monitor connection; QEMU lives on, and takes the next one.</summary>
    public void CloseMonitor()
    {
        lock (Gate)
        {
            _connection?.Close();
        }
    }

    /// <summary>The guest begins to run, as after <c>cont</c>; for tests that begin with a running domain.</summary>
    public FakeQemu StartRunning()
    {
        lock (Gate)
        {
            SetRunning();
            return this;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        _listener.Dispose();
        ReleaseMainLoop();
        CloseMonitor();
        await _acceptLoop;
        _directory.Delete(recursive: true);
    }

    /// <summary>The process ends: the monitor closes, and whoever migrates to or from it notices.</summary>
    internal void End()
    {
        lock (Gate)
        {
            if (Process.Exited.IsCompleted)
            {
                return;
            }

            Process.MarkExited();
            _listener.Close();
            _connection?.Close();
            _mainLoopHang?.TrySetResult();
            PeerLost();
        }
    }

    private void SetRunning()
    {
        if (!Running)
        {
            Status = RunState.Running;
            Emit("RESUME");
        }
    }

    private void StopVcpus(RunState status)
    {
        var ran = Running;
        Status = status;
        if (ran)
        {
            Emit("STOP");
            JobsPause();
        }
    }

    private void Emit(string name, JsonObject? data = null)
    {
        _eventCount++;
        var message = new JsonObject
        {
            ["event"] = name,
            // Not monotone, as QEMU's are not: nobody may order by it.
            ["timestamp"] = new JsonObject { ["seconds"] = 1_700_000_000 + _eventCount, ["microseconds"] = 999_999 - (_eventCount % 1000) },
        };
        if (data is not null)
        {
            message["data"] = data;
        }

        foreach (var passed in Events.Apply(message))
        {
            _connection?.Send(passed);
        }
    }

    private async Task AcceptLoopAsync()
    {
        try
        {
            while (true)
            {
                using var socket = await _listener.AcceptAsync(_ending.Token);
                var connection = new FakeMonitorConnection(socket, Arrived, AnswerAsync, Answered);
                lock (Gate)
                {
                    _connection = connection;
                }

                await connection.RunAsync(_ending.Token);
            }
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The fake has ended.
        }
    }
}
