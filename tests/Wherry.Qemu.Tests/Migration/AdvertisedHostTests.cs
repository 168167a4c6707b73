using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>A destination says where its QEMU listens. The source must not be led to itself, where the QEMU of another guest may listen.</summary>
public sealed class AdvertisedHostTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(MigrationFlags.None)]
    [InlineData(MigrationFlags.Offline | MigrationFlags.PersistDestination)]
    public async Task A_host_that_is_called_localhost_refuses_to_be_a_destination(MigrationFlags flags)
    {
        var root = Directory.CreateTempSubdirectory("wherry-localhost-");
        try
        {
            await using var bravo = new SimulatedHost("localhost", root.FullName, emulators);
            var sent = MigrationParameters.Default with
            {
                DestinationXml = $"""
                    <domain type='qemu'>
                      <name>web1</name>
                      <uuid>{Guid.NewGuid()}</uuid>
                      <memory unit='MiB'>64</memory>
                      <os><type arch='x86_64' machine='pc'>hvm</type></os>
                      <devices><emulator>{RealQemu.Binary}</emulator></devices>
                    </domain>
                    """,
            };
            var refused = await Assert.ThrowsAsync<WherryException>(
                () => bravo.Migrations.PrepareAsync(new PhaseCall(sent, [], flags), new IncomingClient(new object(), _ => Task.FromResult(true)), Ct));
            Assert.Equal(ErrorCode.InternalError, refused.Code);
            Assert.EndsWith("hostname on destination resolved to localhost, but migration requires an FQDN", refused.Message, StringComparison.Ordinal);
            Assert.Null(bravo.Driver.Domains.Find("web1"));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("127.0.0.1", false, null, false)]
    [InlineData("::1", false, null, false)]
    [InlineData("127.0.0.1", false, "tcp://bravo.example", true)]
    [InlineData("127.0.0.1", false, "tcp://127.0.0.1", true)] // its caller's word
    [InlineData("127.0.0.1", true, null, true)] // two daemons on one machine
    [InlineData("10.71.1.2", false, null, true)]
    public async Task A_source_is_led_to_itself_only_by_its_caller_or_by_a_peer_on_the_same_host(string advertised, bool local, string? asked, bool goes)
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 0, Ct, address: advertised);
        hosts.Bravo.IsOnOneMachine = local;
        var moving = hosts.MigrateAsync(Ct, MigrationParameters.Default with { MigrateUri = asked });
        if (goes)
        {
            await moving.Within();
            Assert.Null(hosts.Alpha.Driver.Domains.Find("web1"));
            return;
        }

        var refused = await Assert.ThrowsAsync<WherryException>(() => moving.Within());
        Assert.Equal(ErrorCode.InternalError, refused.Code);
        Assert.Contains(advertised, refused.Message, StringComparison.Ordinal);
        Assert.Contains("that qemu+tcp://bravo/system has chosen leads to this host", refused.Message, StringComparison.Ordinal);
        Assert.Equal(DomainState.Running, hosts.Guest.Snapshot.Status.State);
        Assert.DoesNotContain("migrate", hosts.Source.Received);
        await SimulatedHost.LetGoOfAsync(hosts.Guest, Ct);
    }
}
