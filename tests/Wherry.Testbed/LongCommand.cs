using System.Diagnostics;
using Wherry.Testbed.Hosts;

namespace Wherry.Testbed;

/// <summary>A program that runs beside others on a host, such as <c>virsh event --loop</c>, until it is interrupted as by Ctrl-C.</summary>
public sealed class LongCommand : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private readonly TestHost _host;
    private readonly Process _process;
    private readonly Task _reading;
    private readonly Task<string> _error;
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private LongCommand(TestHost host, Process process)
    {
        _host = host;
        _process = process;
        _reading = ReadAsync();
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The lines it has printed so far.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
                return [.. _lines];
        }
    }

    public static LongCommand Start(TestHost host, params IEnumerable<string> command)
    {
        var entered = host.Enter(command);
        return new LongCommand(host, Process.Start(new ProcessStartInfo(entered[0], entered.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!);
    }

    /// <summary>Whether its lines came to satisfy the condition within the limit.</summary>
    public async Task<bool> WaitAsync(Func<IReadOnlyList<string>, bool> until, TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (until(_lines))
                    return true;
                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(timeout.Token);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    /// <summary>The end of its input.</summary>
    public void CloseInput() => _process.StandardInput.Close();

    /// <summary>Its process, as this process sees it.</summary>
    public int Pid => _host.PidInside(_process);

    /// <summary>SIGINT, and its end.</summary>
    public Task<(int ExitCode, string Error)> InterruptAsync()
    {
        PosixProcess.Signal(_host.PidInside(_process), PosixSignal.Interrupt);
        return EndAsync();
    }

    /// <summary>Waits for its end; its lines are complete then.</summary>
    public async Task<(int ExitCode, string Error)> EndAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(Limit);
        await _reading;
        return (_process.ExitCode, await _error);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _reading;
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            lock (_lock)
            {
                _lines.Add(line);
                _changed.SetResult();
                _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }
}
