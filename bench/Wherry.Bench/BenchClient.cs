using System.Diagnostics;
using Wherry.Testbed.Hosts;

namespace Wherry.Bench;

/// <summary>When a call began and ended, in <see cref="Stopwatch"/> timestamps (on Linux both clocks are CLOCK_MONOTONIC in nanoseconds).</summary>
internal readonly record struct TimedCall(long Began, long Ended)
{
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(Began, Ended);
}

/// <summary>python3-libvirt in a process of its own, connected once; see client.py.</summary>
internal sealed class BenchClient : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly Process _python;

    public BenchClient(DaemonRunner daemon)
    {
        // The distribution's interpreter: it is the one that has the libvirt module.
        _python = Process.Start(new ProcessStartInfo("/usr/bin/python3", [Path.Combine(AppContext.BaseDirectory, "client.py"), daemon.Uri])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    public async Task<TimedCall> CallAsync(params string[] words)
    {
        await _python.StandardInput.WriteLineAsync(string.Join(' ', words));
        var answer = await _python.StandardOutput.ReadLineAsync().WaitAsync(Limit);
        return answer?.Split(' ') is ["ok", var began, var ended]
            ? new TimedCall(long.Parse(began), long.Parse(ended))
            : throw new InvalidOperationException($"{string.Join(' ', words)}: {answer}");
    }

    public async ValueTask DisposeAsync()
    {
        _python.StandardInput.Close();
        await _python.WaitForExitAsync();
        _python.Dispose();
    }
}
