using System.Diagnostics;
using System.Globalization;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests;

/// <summary>A daemon that is killed while it finds out what a QEMU binary can do.</summary>
public sealed class EmulatorProbeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData("before QEMU starts")]
    [InlineData("when QEMU answers")]
    public async Task The_QEMU_that_a_daemon_probes_does_not_outlive_it(string killed)
    {
        await using var pair = await HostPair.StartAsync((host, port) => new Wherryd(host, port), isolated: false);
        var (run, daemon) = (pair.Run, pair.Alpha);

        // The emulator tells its pid and waits for a word before it becomes QEMU, which greets a second monitor: nothing can be over too soon.
        var emulator = run.File("qemu-system-x86_64");
        using var pids = await FifoAsync(run.File("pids"));
        using var goOn = await FifoAsync(run.File("go-on"));
        using var greetings = await FifoAsync(run.File("greetings"));
        await File.WriteAllTextAsync(emulator, $"""
            #!/bin/sh
            echo $$ >'{run.File("pids")}'
            read -r _ <'{run.File("go-on")}'
            exec '{TestDomain.Emulator}' "$@" -chardev 'file,id=told,path={run.File("greetings")}' -mon chardev=told,mode=control
            """);
        File.SetUnixFileMode(emulator, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var define = daemon.Virsh.RunWithXmlAsync("define", $"""
            <domain type='qemu'><name>guest</name><memory unit='MiB'>64</memory><os><type>hvm</type></os>
              <devices><emulator>{emulator}</emulator></devices>
            </domain>
            """);
        var probed = File.Exists("/dev/kvm") ? 2 : 1; // one for each accelerator
        var emulators = (await LinesAsync(pids, probed)).ConvertAll(line => Process.GetProcessById(int.Parse(line, CultureInfo.InvariantCulture)));
        try
        {
            if (killed == "before QEMU starts")
                await daemon.KillAsync();
            else
                daemon.Signal(PosixSignal.Stop);
            goOn.Write(new byte[probed].Select(_ => (byte)'\n').ToArray());
            goOn.Flush();
            if (killed == "when QEMU answers")
            {
                Assert.All(await LinesAsync(greetings, probed), line => Assert.Contains("QMP", line, StringComparison.Ordinal));
                await daemon.KillAsync();
            }
            Assert.False((await define).Succeeded);
            await Task.WhenAll(emulators.Select(process => process.WaitForExitAsync())).WaitAsync(Limit);
        }
        finally
        {
            foreach (var process in emulators)
            {
                process.Kill();
                process.Dispose();
            }
        }
    }

    /// <summary>Opened for both directions: neither side waits for the other to open it, and it never ends.</summary>
    private static async Task<FileStream> FifoAsync(string path)
    {
        await Command.RunAsync(["mkfifo", path]).Checked();
        return new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
    }

    private static async Task<List<string>> LinesAsync(FileStream fifo, int count)
    {
        var reader = new StreamReader(fifo, leaveOpen: true);
        var lines = new List<string>();
        while (lines.Count < count)
            lines.Add(await reader.ReadLineAsync().WaitAsync(Limit) ?? "");
        return lines;
    }
}
