using System.Runtime.InteropServices;
using Wherry.Demo;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

// `./run demo`: a real guest with two disks under write load, carried from one daemon to another and back by unmodified virsh.
//
//     boot on alpha ──► migrate to bravo ──► migrate back to alpha ──► pause, check every block of both disks
//
// `./run demo --stock` shows the same journey between two stock libvirtd instead (as root, since those need hosts of their own).

using var interrupted = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGINT, Interrupt);
using var onTerminate = PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, Interrupt);

if (GuestImage.Missing is { } missing)
{
    Console.Error.WriteLine($"The demo cannot start: {missing}.");
    return 1;
}

var stock = args.Contains("--stock");
try
{
    await using var pair = stock
        ? await HostPair.StartAsync((host, _) => new StockLibvirtd(host))
        : await HostPair.StartAsync((host, port) => new Wherryd(host, port), isolated: false);
    return await new Journey(pair, interrupted.Token).RunAsync() ? 0 : 1;
}
catch (Exception) when (interrupted.IsCancellationRequested)
{
    // Whatever failed, failed because the terminal interrupted the programs that we started as well.
    Console.Error.WriteLine("\nInterrupted; everything is stopped and removed.");
    return 130;
}
catch (Exception e) when (e is CommandFailedException or TimeoutException or InvalidOperationException)
{
    Console.Error.WriteLine($"\nThe demo failed: {e.Message}");
    return 1;
}

void Interrupt(PosixSignalContext context)
{
    // What was begun is cleaned up on the way out; a second interrupt need not wait for that.
    context.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}
