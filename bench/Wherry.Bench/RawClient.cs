using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Rpc.Client;
using Wherry.Testbed.Hosts;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Bench;

/// <summary>The remote protocol without a client library in between, so that what is measured is the daemon's time and not a library's locks.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    private readonly ClientConnection _connection;

    private RawClient(ClientConnection connection) => _connection = connection;

    public static async Task<RawClient> OpenAsync(DaemonRunner daemon)
    {
        var endpoint = RpcEndpoint.Parse(daemon.Uri);
        var options = new ClientConnectionOptions { KeepAliveInterval = TimeSpan.Zero };
        var connection = await ClientConnection.ConnectAsync(endpoint, options, TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        var client = new RawClient(connection);
        await client.CallAsync(RemoteProcedure.ConnectOpen, new ConnectOpenArgs(endpoint.DriverUri, Flags: 0));
        return client;
    }

    public async Task<NonnullDomain> FindAsync(string name) =>
        (await CallAsync<DomainLookupByNameArgs, DomainLookupByNameRet>(RemoteProcedure.DomainLookupByName, new DomainLookupByNameArgs(name))).Dom;

    public async Task<NonnullDomain> DefineAsync(string xml) =>
        (await CallAsync<DomainDefineXmlFlagsArgs, DomainDefineXmlFlagsRet>(RemoteProcedure.DomainDefineXmlFlags, new DomainDefineXmlFlagsArgs(xml, 0))).Dom;

    public Task UndefineAsync(NonnullDomain domain) => CallAsync(RemoteProcedure.DomainUndefineFlags, new DomainUndefineFlagsArgs(domain, 0));

    public async Task<NonnullDomain> StartAsync(NonnullDomain domain) =>
        (await CallAsync<DomainCreateWithFlagsArgs, DomainCreateWithFlagsRet>(RemoteProcedure.DomainCreateWithFlags, new DomainCreateWithFlagsArgs(domain, 0))).Dom;

    public Task DestroyAsync(NonnullDomain domain) => CallAsync(RemoteProcedure.DomainDestroyFlags, new DomainDestroyFlagsArgs(domain, 0));

    public Task<DomainGetInfoRet> InfoAsync(NonnullDomain domain) =>
        CallAsync<DomainGetInfoArgs, DomainGetInfoRet>(RemoteProcedure.DomainGetInfo, new DomainGetInfoArgs(domain));

    public Task<DomainGetXmlDescRet> XmlAsync(NonnullDomain domain) =>
        CallAsync<DomainGetXmlDescArgs, DomainGetXmlDescRet>(RemoteProcedure.DomainGetXmlDesc, new DomainGetXmlDescArgs(domain, 0));

    /// <summary>A call that needs the domain's monitor: it does not end while QEMU is stopped.</summary>
    public Task<DomainMemoryStatsRet> MemoryStatsAsync(NonnullDomain domain) =>
        CallAsync<DomainMemoryStatsArgs, DomainMemoryStatsRet>(RemoteProcedure.DomainMemoryStats, new DomainMemoryStatsArgs(domain, 16, 0));

    public Task<ConnectListAllDomainsRet> ListAsync() =>
        CallAsync<ConnectListAllDomainsArgs, ConnectListAllDomainsRet>(RemoteProcedure.ConnectListAllDomains, new ConnectListAllDomainsArgs(1, 0));

    public Task<ConnectGetAllDomainStatsRet> StatsAsync() =>
        CallAsync<ConnectGetAllDomainStatsArgs, ConnectGetAllDomainStatsRet>(RemoteProcedure.ConnectGetAllDomainStats, new ConnectGetAllDomainStatsArgs([], 0, 0));

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private Task<TRet> CallAsync<TArgs, TRet>(int procedure, TArgs args)
        where TArgs : struct, IXdr<TArgs>
        where TRet : struct, IXdr<TRet> =>
        _connection.CallAsync<TArgs, TRet>(RemoteProcedure.Program, RemoteProcedure.Version, procedure, args, CancellationToken.None);

    private Task CallAsync<TArgs>(int procedure, in TArgs args)
        where TArgs : struct, IXdr<TArgs> =>
        _connection.CallAsync(RemoteProcedure.Program, RemoteProcedure.Version, procedure, args, CancellationToken.None);
}
