using System.Runtime.InteropServices;
using Wherry.Daemon;
using Wherry.Daemon.Configuration;
using Wherry.Daemon.Hosting;
using Wherry.Errors;

if (args is [SshProxy.Command, .. var helperArguments])
    return await SshProxy.RunAsync(helperArguments, geteuid());

if (args is [HandoverCommand.Command, .. var operatorArguments])
    return await HandoverCommand.RunAsync(operatorArguments, geteuid());

var commandLine = new DaemonCommandLine();
var arguments = commandLine.Root.Parse(args);
if (arguments.Action is not null) // --help, --version, or an argument that is not understood
    return arguments.Invoke();

var notifier = new SystemdNotifier(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"));
// Children (QEMU) must not talk to our supervisor in our name.
Environment.SetEnvironmentVariable("NOTIFY_SOCKET", null);

using var stop = new CancellationTokenSource();
try
{
    var options = await commandLine.ResolveAsync(arguments, Environment.GetEnvironmentVariable, geteuid(), getegid());
    using var log = new DaemonLoggerFactory(options.Log, TimeProvider.System);
    var logger = log.CreateLogger("Wherry.Daemon");
    DaemonLog.Starting(
        logger,
        typeof(Program).Assembly.GetName().Version?.ToString() ?? "0",
        Environment.ProcessId,
        options.Hostname,
        options.HostUuid,
        options.Paths.State,
        options.Paths.Config);

    using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true; // the runtime would end the process before its sockets are removed
        DaemonLog.Stopping(logger, signal.Signal.ToString());
        notifier.Stopping();
        stop.Cancel();
    }

    await new WherryDaemon(options, log, log, notifier, TimeProvider.System).RunAsync(stop.Token);
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 0; // asked to stop while still starting
}
catch (WherryException e)
{
    Console.Error.WriteLine($"wherryd: {e.Message}");
    return 1;
}

[DllImport("libc")]
static extern uint geteuid();

[DllImport("libc")]
static extern uint getegid();
