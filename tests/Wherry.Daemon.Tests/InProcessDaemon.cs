using Microsoft.Extensions.Logging;
using Wherry.Daemon.Configuration;
using Wherry.Daemon.Hosting;
using Wherry.Testing;

namespace Wherry.Daemon.Tests;

/// <summary>A whole daemon in this process, with a directory of its own and sockets in it.</summary>
internal sealed class InProcessDaemon : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-daemon-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly DaemonLoggerFactory _log = new(new LogSettings(), TimeProvider.System);
    private readonly Task _running;

    /// <param name="logs">Where it logs to: not what its admin program redirects.</param>
    public InProcessDaemon(ILoggerFactory logs)
    {
        var commandLine = new DaemonCommandLine();
        var options = commandLine.ResolveAsync(
            commandLine.Root.Parse(["--state-dir", _directory, "--config-dir", _directory, "--runtime-dir", _directory]), _ => null, uid: 0, gid: 0)
            .GetAwaiter().GetResult();
        HostUuid = options.HostUuid;
        _running = new WherryDaemon(options, logs, _log, new SystemdNotifier(null), TimeProvider.System).RunAsync(_stop.Token);
        Assert.True(SpinWait.SpinUntil(() => File.Exists(PathOf("libvirt-admin-sock")) || _running.IsCompleted, Deadline.Default));
        Assert.False(_running.IsCompleted, _running.Exception?.ToString());
    }

    public Guid HostUuid { get; }

    /// <summary>One of its sockets.</summary>
    public string PathOf(string name) => Path.Combine(_directory, name);

    public void Dispose()
    {
        _stop.Cancel();
        _running.Within().GetAwaiter().GetResult();
        _log.Dispose();
        _stop.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
