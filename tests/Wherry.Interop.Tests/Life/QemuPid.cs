using Wherry.Testbed;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Life;

/// <summary>The QEMU of a domain, as this machine's process list has it.</summary>
internal readonly record struct QemuPid(int Pid)
{
    public static Task<QemuPid> OfAsync(LoneHost lone, string domain)
    {
        var pids = AllOf(lone, domain);
        return Task.FromResult(pids.Count == 1 ? new QemuPid(pids[0]) : throw new InvalidOperationException($"{pids.Count} QEMUs run '{domain}'"));
    }

    /// <summary>Those that name the domain, in the process namespace of this daemon's host.</summary>
    public static IReadOnlyList<int> AllOf(LoneHost lone, string domain)
    {
        var found = new List<int>();
        var host = Namespace(lone.Daemon.Pid);
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => int.TryParse(Path.GetFileName(path), out _)))
        {
            try
            {
                var line = File.ReadAllText(Path.Combine(process, "cmdline"));
                var pid = int.Parse(Path.GetFileName(process));
                if (line.Contains($"guest={domain},", StringComparison.Ordinal) && Namespace(pid) == host)
                    found.Add(pid);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It has ended while we looked.
            }
        }

        return found;
    }

    private static string? Namespace(int pid) => File.ResolveLinkTarget($"/proc/{pid}/ns/pid", returnFinalTarget: false)?.Name;

    public void Signal(PosixSignal signal) => PosixProcess.Signal(Pid, signal);
}

internal static class VirshWaiting
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Asks until the answer contains the text.</summary>
    public static async Task UntilAsync(this Virsh virsh, string text, params string[] command)
    {
        using var timeout = new CancellationTokenSource(Limit);
        CommandResult last;
        do
        {
            if (timeout.IsCancellationRequested)
                throw new TimeoutException($"virsh {string.Join(' ', command)} did not come to say '{text}'");
            last = await virsh.RunAsync(command);
        }
        while (!last.Output.Contains(text, StringComparison.Ordinal));
    }
}
