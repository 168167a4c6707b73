using System.Diagnostics;
using Wherry.Rpc.Client;
using Wherry.Rpc.Transports.Ssh;

namespace Wherry.Rpc.Tests.Ssh;

public sealed class SshCommandTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-ssh-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("qemu+ssh://bravo/system", false, "-T -e none -- bravo")]
    [InlineData("qemu+ssh://bravo/system", true, "-T -e none -o BatchMode=yes -- bravo")]
    [InlineData("qemu+ssh://bravo/system?no_tty=1", false, "-T -e none -o BatchMode=yes -- bravo")]
    [InlineData("qemu+ssh://alice%40corp@bravo:2222/system?keyfile=/k&no_verify=1", false, "-p 2222 -l alice@corp -i /k -T -e none -o StrictHostKeyChecking=no -- bravo")]
    [InlineData("qemu+ssh://-oProxyCommand=evil/system", false, null)]
    [Trait("req", "S2.5")]
    public void The_uri_becomes_the_arguments_that_libvirt_gives_ssh(string uri, bool isUnattended, string? arguments)
    {
        if (arguments is null)
        {
            Assert.Throws<Errors.WherryException>(() => RpcEndpoint.Parse(uri));
            return;
        }

        Assert.Equal(arguments, string.Join(' ', SshCommand.Arguments((RpcEndpoint.Ssh)RpcEndpoint.Parse(uri), isUnattended).SkipLast(1)));
    }

    /// <summary>What runs at the far end, run by a real shell as sshd lets the user's own run it, with programs that say how they were called.</summary>
    [Theory]
    [InlineData("qemu+ssh://bravo/system", "virt-ssh-helper wherryd nc", "virt-ssh-helper qemu:///system")]
    [InlineData("qemu+ssh://bravo/system", "wherryd nc", "wherryd ssh-helper qemu:///system")]
    [InlineData("qemu+ssh://bravo/system", "nc", "nc -U /var/run/libvirt/libvirt-sock")]
    [InlineData("qemu+ssh://bravo/system?proxy=netcat", "virt-ssh-helper nc", "nc -U /var/run/libvirt/libvirt-sock")]
    [InlineData("qemu+ssh://bravo/system?socket=/a%20b/it%27s", "virt-ssh-helper nc", "nc -U /a b/it's")]
    [InlineData("qemu+ssh://bravo/system?netcat=netcat-q", "virt-ssh-helper netcat-q", "netcat-q -q0 -U /var/run/libvirt/libvirt-sock")]
    [InlineData("qemu+ssh://bravo/session", "virt-ssh-helper nc", "virt-ssh-helper qemu:///session")]
    [InlineData("qemu+ssh://bravo/session", "wherryd nc", "wherryd ssh-helper qemu:///session")]
    [InlineData("qemu+ssh://bravo/system?proxy=native", "nc", "")]
    [InlineData("qemu+ssh://bravo/system?netcat=%24(echo%3Eevil)", "nc", "")]
    [InlineData("qemu+ssh://bravo/system?netcat=%27%3Becho%3Eevil%3B%27", "nc", "")]
    [InlineData("qemu+ssh://bravo/system?socket=%24(echo%3Eevil)%60echo%3Eevil%60", "nc", "nc -U $(echo>evil)`echo>evil`")]
    [InlineData("qemu+ssh://bravo/system?socket=%27%3Becho%3Eevil%3B%27", "nc", "nc -U ';echo>evil;'")]
    [InlineData("qemu+ssh://bravo/$(echo>evil)'", "virt-ssh-helper", "virt-ssh-helper qemu:///$(echo%3Eevil)'")]
    [Trait("req", "S2.5")]
    public async Task The_far_end_runs_what_it_has(string uri, string programs, string expected)
    {
        foreach (var name in programs.Split(' '))
        {
            var path = Path.Combine(_directory, name);
            await File.WriteAllTextAsync(path, $"#!/bin/sh\nif [ \"$*\" = -q ]; then {(name == "netcat-q" ? "echo 'option requires an argument -- q'" : "echo 'invalid option'")}; exit 1; fi\necho {name} \"$@\"\n", TestContext.Current.CancellationToken);
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        foreach (var tool in (string[])["sh", "grep"])
            File.CreateSymbolicLink(Path.Combine(_directory, tool), $"/bin/{tool}");
        var command = SshCommand.Arguments((RpcEndpoint.Ssh)RpcEndpoint.Parse(uri), isUnattended: true)[^1];
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _directory,
            Environment = { ["PATH"] = _directory },
        })!;
        Assert.Equal(expected, (await shell.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim());
        Assert.False(File.Exists(Path.Combine(_directory, "evil")), "what the URI says was run by a shell");
    }
}
