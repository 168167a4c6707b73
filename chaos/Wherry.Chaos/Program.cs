using System.Globalization;
using System.Runtime.InteropServices;
using Wherry.Chaos;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

// `./run chaos --seed S --migrations N`: N migrations of random kinds with random faults between two daemons, as root (the hosts are
// namespaces). After each one the guest runs at one host, or died with the QEMU that was killed under it; anything else ends the campaign
// with the seed and the step.

using var interrupted = new CancellationTokenSource();
using var onInterrupt = PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGINT, Interrupt);
using var onTerminate = PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, Interrupt);

if ((GuestImage.Missing ?? TestHost.IsolationMissing) is { } missing)
{
    Console.Error.WriteLine($"The campaign cannot start: {missing}.");
    return 2;
}

if (Number("--seed", 1) is not { } seed || Number("--migrations", 100) is not { } migrations)
{
    Console.Error.WriteLine("usage: ./run chaos [--seed S] [--migrations N]    both numbers from 0 to 1000000");
    return 2;
}

try
{
    await using var pair = await HostPair.StartAsync((host, port) => new Wherryd(host, port));
    return await new Campaign(pair, seed).RunAsync(migrations, interrupted.Token) ? 0 : 1;
}
catch (Exception) when (interrupted.IsCancellationRequested)
{
    Console.Error.WriteLine("\nInterrupted; everything is stopped and removed.");
    return 130;
}

int? Number(string name, int otherwise)
{
    var at = Array.IndexOf(args, name);
    if (at < 0)
        return otherwise;
    return at + 1 < args.Length && int.TryParse(args[at + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= 1_000_000 ? number : null;
}

void Interrupt(PosixSignalContext context)
{
    context.Cancel = !interrupted.IsCancellationRequested;
    interrupted.Cancel();
}
