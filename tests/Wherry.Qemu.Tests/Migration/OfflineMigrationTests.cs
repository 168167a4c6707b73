using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Testing;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Migration;

public sealed class OfflineMigrationTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private const MigrationFlags Flags = MigrationFlags.Offline | MigrationFlags.PersistDestination;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>As virsh does it, which gives all its parameters to every phase.</summary>
    [Fact]
    [Trait("req", "S2.17")]
    public async Task A_managed_one_defines_what_was_prepared_and_renamed_whatever_its_client_says_at_the_end()
    {
        var root = Directory.CreateTempSubdirectory("wherry-offline-");
        try
        {
            await using var alpha = new SimulatedHost("alpha", root.FullName, emulators);
            await using var bravo = new SimulatedHost("bravo", root.FullName, emulators);
            var client = new object();
            var domain = await alpha.Driver.DefineAsync(Definition("as it is kept here", Guid.NewGuid()), Ct);
            var asked = MigrationParameters.Default with
            {
                DestinationName = "renamed",
                PersistentXml = Text(domain).Replace("as it is kept here", "as it shall be kept there", StringComparison.Ordinal),
            };
            var begun = await alpha.Migrations.BeginAsync(domain, asked, Flags, client, Ct);
            await bravo.Migrations.PrepareAsync(
                new PhaseCall(asked with { DestinationXml = begun.Xml }, begun.Cookie, Flags), new IncomingClient(client, _ => Task.FromResult(true)), Ct);
            await bravo.Migrations.FinishAsync(new PhaseCall(asked, [], Flags), cancelled: false, Ct);
            await alpha.Migrations.ConfirmAsync(domain, new PhaseCall(asked, [], Flags), cancelled: false, Ct);

            Assert.Null(bravo.Driver.Domains.Find("still"));
            var defined = bravo.Driver.Domains.Find("renamed");
            Assert.NotNull(defined);
            Assert.Equal(domain.Uuid, defined.Uuid);
            Assert.Contains("as it shall be kept there", Text(defined), StringComparison.Ordinal);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    /// <summary>The client's last word has not been checked by anybody.</summary>
    [Fact]
    [Trait("req", "S2.17")]
    public async Task Finish_takes_no_definition_that_Prepare_has_not_seen()
    {
        var root = Directory.CreateTempSubdirectory("wherry-offline-");
        try
        {
            await using var bravo = new SimulatedHost("bravo", root.FullName, emulators);
            var sent = MigrationParameters.Default with { DestinationName = "still", DestinationXml = Definition("prepared", Guid.NewGuid()) };
            await bravo.Migrations.PrepareAsync(new PhaseCall(sent, [], Flags), new IncomingClient(new object(), _ => Task.FromResult(true)), Ct);
            var (domain, _) = await bravo.Migrations.FinishAsync(new PhaseCall(sent with { PersistentXml = Definition("another", Guid.NewGuid()) }, [], Flags), cancelled: false, Ct);
            Assert.Contains("prepared", Text(domain), StringComparison.Ordinal);

            var again = await Assert.ThrowsAsync<WherryException>(() => bravo.Migrations.FinishAsync(new PhaseCall(sent, [], Flags), cancelled: false, Ct));
            Assert.Equal(ErrorCode.NoDomain, again.Code);
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    private static string Text(Domain domain) => domain.Snapshot.Config!.Document.ToXml(DomainXmlFlags.Inactive); // ! : it was defined

    private static string Definition(string description, Guid uuid) => $"""
        <domain type='qemu'>
          <name>still</name>
          <uuid>{uuid}</uuid>
          <description>{description}</description>
          <memory unit='MiB'>64</memory>
          <os><type arch='x86_64' machine='pc'>hvm</type></os>
          <devices><emulator>{RealQemu.Binary}</emulator></devices>
        </domain>
        """;
}
