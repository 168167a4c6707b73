using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Errors;
using Wherry.Qemu.Launch;
using Wherry.Qmp;
using Wherry.Testing;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Launch;

public sealed class StartupCommandsTests
{
    [Fact]
    public async Task A_setting_that_QEMU_refuses_fails_the_start_and_is_named()
    {
        await using var qemu = new FakeQemu(); // it does not know these commands
        var spec = DomainSpec.From(DomainDocument.Parse("""
            <domain type='qemu'><name>guest</name><uuid>c0ffee00-0000-4000-8000-000000000001</uuid>
              <memory unit='MiB'>64</memory><os><type arch='x86_64'>hvm</type></os>
              <devices>
                <graphics type='vnc' passwd='secret' passwdValidTo='2030-01-02T03:04:05'><listen type='address'/></graphics>
                <memballoon model='virtio'><stats period='5'/><alias name='balloon0'/></memballoon>
              </devices>
            </domain>
            """));
        var commands = StartupCommands.Of(spec);
        string[] settings = ["passwd of <graphics>", "passwdValidTo of <graphics>", "<stats period> of <memballoon>", "<currentMemory>"];
        Assert.Equal(settings, commands.Select(command => command.Setting));

        var options = new MonitorOptions { Owner = "guest", Logger = NullLogger.Instance };
        await using var monitor = await MonitorSession.ConnectAsync(qemu.MonitorPath, options, TestContext.Current.CancellationToken);
        foreach (var command in commands)
        {
            var error = await Assert.ThrowsAsync<WherryException>(() => RunAsync([command]));
            Assert.Equal(ErrorCode.InternalError, error.Code);
            Assert.Equal(
                $"cannot set {command.Setting} of domain 'guest': unable to execute QEMU command '{command.Execute}': "
                    + $"The command {command.Execute} has not been found",
                error.Detail);
            Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        }

        Task RunAsync(ImmutableArray<StartupCommand> some) =>
            StartupCommands.RunAsync(some, "guest", monitor, TestContext.Current.CancellationToken).Within();
    }

    [Fact]
    public void An_empty_password_opens_the_display_to_nobody()
    {
        var spec = DomainSpec.From(DomainDocument.Parse(
            "<domain type='qemu'><name>guest</name><devices><graphics type='vnc' passwd=''><listen type='address'/></graphics></devices></domain>"));
        Assert.Contains(StartupCommands.Of(spec), command => command is { Execute: "set_password", Arguments: """{"protocol":"vnc","password":""}""" });
        Assert.Contains(StartupCommands.Of(spec), command => command is { Execute: "expire_password", Arguments: """{"protocol":"vnc","time":"now"}""" });
    }
}
