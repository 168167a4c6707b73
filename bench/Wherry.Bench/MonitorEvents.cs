using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Wherry.Testbed.Hosts;

namespace Wherry.Bench;

/// <summary>
/// QEMU's own account of a migration: its events with its own clock, through `virsh qemu-monitor-event`, so that the same instrument
/// measures both daemons. QEMU is at work from the first mirror job, or "setup", to "completed".
/// </summary>
internal sealed partial class MonitorEvents : IAsyncDisposable
{
    private readonly Process _virsh;
    private readonly Task _reading;
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<string, DateTime> _at = [];
    private double _first, _last;

    public MonitorEvents(DaemonRunner source, string domain)
    {
        // stdbuf: into a pipe virsh would only write when its buffer is full.
        _virsh = Process.Start(new ProcessStartInfo("stdbuf", ["-oL", "virsh", "-q", "-c", source.Uri, "qemu-monitor-event", "--loop", "--domain", domain])
        {
            RedirectStandardOutput = true,
        })!;
        _reading = ReadAsync();
    }

    /// <summary>QEMU's own time for the migration that ended.</summary>
    public async Task<TimeSpan> MigrationTimeAsync()
    {
        await _completed.Task.WaitAsync(TimeSpan.FromSeconds(10));
        return TimeSpan.FromSeconds(_last - _first);
    }

    /// <summary>The source's part of the guest's silence: the stop, and each step after it up to "completed", by name in their order.</summary>
    public IEnumerable<(string Step, DateTime At)> Steps => _at.OrderBy(step => step.Value).Select(step => (step.Key, step.Value));

    public async ValueTask DisposeAsync()
    {
        _virsh.Kill();
        await _virsh.WaitForExitAsync();
        await _reading;
        _virsh.Dispose();
    }

    private async Task ReadAsync()
    {
        while (await _virsh.StandardOutput.ReadLineAsync() is { } line)
        {
            if (Event().Match(line) is not { Success: true } match)
                continue;
            var at = double.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture);
            Note(match.Groups[1].Value, line, at);
            var begins = match.Groups[1].Value == "JOB_STATUS_CHANGE" || line.Contains("\"setup\"", StringComparison.Ordinal);
            if (begins && _first == 0)
                _first = at;
            if (match.Groups[1].Value != "MIGRATION" || !line.Contains("\"completed\"", StringComparison.Ordinal))
                continue;
            _last = at;
            _completed.TrySetResult();
        }
    }

    private void Note(string name, string line, double at)
    {
        var step = name switch
        {
            "STOP" => "stopped",
            "JOB_STATUS_CHANGE" when line.Contains("\"concluded\"", StringComparison.Ordinal) => "disks complete",
            "MIGRATION" when line.Contains("\"pre-switchover\"", StringComparison.Ordinal) => "memory in step",
            "MIGRATION" when line.Contains("\"device\"", StringComparison.Ordinal) => "continued",
            "MIGRATION" when line.Contains("\"completed\"", StringComparison.Ordinal) => "completed",
            _ => null,
        };
        if (step is not null)
            _at[step] = DateTime.UnixEpoch.AddSeconds(at);
    }

    [GeneratedRegex(@"^event (STOP|MIGRATION|JOB_STATUS_CHANGE) at (\d+\.\d+) ")]
    private static partial Regex Event();
}
