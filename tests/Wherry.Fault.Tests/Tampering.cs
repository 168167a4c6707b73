using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Fault.Tests;

/// <summary>What can be done to one of the isolated hosts without the other, or this machine, noticing.</summary>
internal static class Tampering
{
    // QEMU finds its modules and firmware from where it lies, so it has to lie there: in place of a program that no such host needs.
    private static readonly string Beside = Path.Combine(Path.GetDirectoryName(TestDomain.Emulator)!, "qemu-nbd");

    /// <summary>
    /// An incoming QEMU of this host is started by these lines of shell, with <c>$QEMU</c> and its arguments; all others as ever. Undone by
    /// <see cref="RestoreIncomingAsync"/>.
    /// </summary>
    public static async Task ReplaceIncomingAsync(TestHost host, string script)
    {
        var wrapper = Path.Combine(host.Directory, "qemu-wrapper");
        await File.WriteAllTextAsync(wrapper, $"#!/bin/bash\nQEMU={Beside}\ncase \" $* \" in *' -incoming '*) ;; *) exec $QEMU \"$@\" ;; esac\n{script}\n");
        File.SetUnixFileMode(wrapper, (UnixFileMode)0x1ED); // 0755
        await host.RunAsync("mount", "--bind", TestDomain.Emulator, Beside).Checked();
        await host.RunAsync("mount", "--bind", wrapper, TestDomain.Emulator).Checked();
    }

    public static async Task RestoreIncomingAsync(TestHost host)
    {
        await RestoreAsync(host, TestDomain.Emulator);
        await RestoreAsync(host, Beside);
    }

    /// <summary>Takes the last thing off that was put over this path.</summary>
    public static Task RestoreAsync(TestHost host, string path) => host.RunAsync("umount", "-l", path).Checked();

    /// <summary>Puts a small empty disk over the directory; only this host sees it.</summary>
    public static Task ShrinkAsync(TestHost host, string directory, string size) =>
        host.RunAsync("mount", "-t", "tmpfs", "-o", $"size={size}", "tmpfs", directory).Checked();

    /// <summary>Rules for packets that leave this host; undone by <see cref="HealAsync"/>.</summary>
    public static Task CutAsync(TestHost host, params string[] rules) => host.CutAsync(rules);

    /// <summary>Everything on the data link disappears, both ways.</summary>
    public static async Task BlackHoleAsync(HostPair pair)
    {
        foreach (var daemon in new[] { pair.Alpha, pair.Bravo })
            await CutAsync(daemon.Host, "oifname dat drop");
    }

    public static async Task HealAsync(params DaemonRunner[] daemons)
    {
        foreach (var daemon in daemons)
            await daemon.Host.MendAsync();
    }

    /// <summary>Takes these ports of the host, until the command is ended.</summary>
    public static async Task<LongCommand> ListenAsync(TestHost host, int first, int last)
    {
        var listening = LongCommand.Start(host, "/usr/bin/python3", "-uc",
            $"import socket, sys\nheld = [socket.create_server(('', port), family=socket.AF_INET6, dualstack_ipv6=True) for port in range({first}, {last + 1})]\nprint('listening')\nsys.stdin.read()");
        Assert.True(await listening.WaitAsync(lines => lines.Count > 0, Aftermath.Soon), "the ports could not be taken");
        return listening;
    }

    /// <summary>The guest's memory is on its way.</summary>
    public static Task FlowsAsync(Passage passage, DaemonRunner from, string what = "Memory processed") => Aftermath.UntilAsync(
        $"{what}",
        async () => (await from.Virsh.RunAsync("domjobinfo", passage.Domain.Name)).Output.Split('\n').Any(line =>
            line.StartsWith(what, StringComparison.Ordinal) && !line.Contains(" 0.000 ", StringComparison.Ordinal)),
        logs: from);
}
