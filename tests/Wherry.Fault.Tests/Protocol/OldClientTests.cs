using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Testbed;
using Wherry.Testbed.Judges;
using Wherry.Wire.Remote;

namespace Wherry.Fault.Tests.Protocol;

/// <summary>Clients from before typed parameters drive the five phases with the procedures of their time; those of before are refused by name.</summary>
public sealed class OldClientTests(OldClientTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<OldClientTests.Hosts>
{
    private const ulong Live = 1;

    [Fact]
    [Fault(103)]
    public async Task The_positional_procedures_move_a_guest()
    {
        await using var crossing = await hosts.EnterAsync(output);
        using var source = new PlainClient(crossing.From);
        using var destination = new PlainClient(crossing.To);
        var domain = source.Find(crossing.Name);
        var begun = source.Call<DomainMigrateBegin3Args, DomainMigrateBegin3Ret>(
            RemoteProcedure.DomainMigrateBegin3, new DomainMigrateBegin3Args(domain, Xmlin: null, Live, Dname: null, Resource: 0));
        var prepared = destination.Call<DomainMigratePrepare3Args, DomainMigratePrepare3Ret>(
            RemoteProcedure.DomainMigratePrepare3, new DomainMigratePrepare3Args(begun.CookieOut, UriIn: null, Live, Dname: null, Resource: 0, begun.Xml));
        var performed = source.Call<DomainMigratePerform3Args, DomainMigratePerform3Ret>(
            RemoteProcedure.DomainMigratePerform3,
            new DomainMigratePerform3Args(domain, Xmlin: null, prepared.CookieOut, Dconnuri: null, prepared.UriOut, Live, Dname: null, Resource: 0));
        var finished = destination.Call<DomainMigrateFinish3Args, DomainMigrateFinish3Ret>(
            RemoteProcedure.DomainMigrateFinish3,
            new DomainMigrateFinish3Args(crossing.Name, performed.CookieOut, Dconnuri: null, prepared.UriOut, Live, Cancelled: 0));
        source.Call(RemoteProcedure.DomainMigrateConfirm3, new DomainMigrateConfirm3Args(domain, finished.CookieOut, Live, Cancelled: 0));
        await crossing.EndsAtAsync(crossing.To);
    }

    [Fact]
    [Fault(103)]
    public async Task The_procedures_without_a_Confirm_are_refused_and_touch_nothing()
    {
        await using var crossing = await hosts.EnterAsync(output);
        using var source = new PlainClient(crossing.From);
        var domain = source.Find(crossing.Name);
        const string advice = "use --p2p or a managed migration of version 3";
        Refused(ErrorCode.NoSupport, $"this function is not supported by the connection driver: virDomainMigratePrepare: {advice}", () => source.Call<DomainMigratePrepareArgs, DomainMigratePrepareRet>(
            RemoteProcedure.DomainMigratePrepare, new DomainMigratePrepareArgs(UriIn: null, Live, Dname: null, Resource: 0)));
        Refused(ErrorCode.NoSupport, $"this function is not supported by the connection driver: virDomainMigratePrepare2: {advice}", () => source.Call<DomainMigratePrepare2Args, DomainMigratePrepare2Ret>(
            RemoteProcedure.DomainMigratePrepare2, new DomainMigratePrepare2Args(UriIn: null, Live, Dname: null, Resource: 0, crossing.Passage.Domain.Xml)));
        Refused(ErrorCode.NoSupport, $"this function is not supported by the connection driver: virDomainMigratePrepareTunnel: {advice}", () => source.Call(
            RemoteProcedure.DomainMigratePrepareTunnel, new DomainMigratePrepareTunnelArgs(Live, Dname: null, Resource: 0, crossing.Passage.Domain.Xml)));
        Refused(ErrorCode.NoSupport, $"this function is not supported by the connection driver: virDomainMigrateFinish: {advice}", () => source.Call<DomainMigrateFinishArgs, DomainMigrateFinishRet>(
            RemoteProcedure.DomainMigrateFinish, new DomainMigrateFinishArgs(crossing.Name, ImmutableArray<byte>.Empty, "tcp:there:49152", Live)));
        Refused(ErrorCode.NoSupport, $"this function is not supported by the connection driver: virDomainMigrateFinish2: {advice}", () => source.Call<DomainMigrateFinish2Args, DomainMigrateFinish2Ret>(
            RemoteProcedure.DomainMigrateFinish2, new DomainMigrateFinish2Args(crossing.Name, ImmutableArray<byte>.Empty, "tcp:there:49152", Live, Retcode: 0)));
        Refused(ErrorCode.ArgumentUnsupported, $"argument unsupported: direct migration is not supported by the source host: {advice}", () => source.Call(
            RemoteProcedure.DomainMigratePerform,
            new DomainMigratePerformArgs(domain, ImmutableArray<byte>.Empty, $"tcp:{crossing.To.Host.Name}:49152", Live, Dname: null, Resource: 0)));

        // A client of today does not even ask: the host does not say that it can.
        var direct = await crossing.From.Virsh.RunAsync("migrate", "--live", "--direct", crossing.Name, $"tcp:{crossing.To.Host.Name}:49152");
        Assert.Contains("direct migration is not supported by the source host", direct.Error, StringComparison.Ordinal);
        await crossing.EndsAtAsync(crossing.From);
    }

    private void Refused(ErrorCode code, string words, Action call)
    {
        var error = Assert.Throws<WherryException>(call);
        output.WriteLine($"{error.Code}: {error.Message}");
        Assert.Equal((code, words), (error.Code, error.Message));
    }

    public sealed class Hosts() : Crossings(new PassageOptions());
}
