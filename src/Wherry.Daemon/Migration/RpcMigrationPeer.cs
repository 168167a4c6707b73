using System.Net;
using System.Xml;
using Microsoft.Extensions.Logging;
using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Rpc;
using Wherry.Rpc.Client;
using Wherry.Wire.Peer;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Migration;

/// <summary>
/// The destination daemon over the remote protocol. Keeps the three ends of a call apart: a verdict of the peer is a
/// <see cref="WherryException"/>, a lost connection is a <see cref="PeerLostException"/> and says nothing.
/// </summary>
internal sealed class RpcMigrationPeer : IMigrationPeer
{
    private readonly ClientConnection _connection;

    private RpcMigrationPeer(ClientConnection connection, string uri)
    {
        _connection = connection;
        Uri = uri;
    }

    public string Uri { get; }

    public bool IsLocal => _connection.Peer is { IsLocal: true } || IsLocalAddress(_connection.Peer.Address);

    public Task Closed => _connection.Closed;

    /// <summary>Connects and opens the driver there.</summary>
    /// <exception cref="WherryException">Nobody there, refused, or a bad URI; the text names the URI.</exception>
    public static async Task<RpcMigrationPeer> ConnectAsync(
        string uri, ClientConnectionOptions options, TimeProvider time, ILogger logger, CancellationToken ct)
    {
        var endpoint = RpcEndpoint.Parse(uri);
        var opened = await ClientConnection.ConnectAsync(endpoint, options, time, logger, ct);
        try
        {
            var peer = new RpcMigrationPeer(opened, uri);
            await peer.CallAsync(RemoteProcedure.ConnectOpen, new ConnectOpenArgs(endpoint.DriverUri, Flags: 0), ct);
            return peer;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    public async Task<bool> SupportsAsync(MigrationFeature feature, CancellationToken ct) =>
        (await CallAsync<ConnectSupportsFeatureArgs, ConnectSupportsFeatureRet>(
            RemoteProcedure.ConnectSupportsFeature, new ConnectSupportsFeatureArgs((int)feature), ct)).Supported != 0;

    /// <remarks>The first uuid of capabilities is the host's.</remarks>
    public async Task<Guid?> HostUuidAsync(CancellationToken ct)
    {
        var reply = await CallAsync<Nothing, ConnectGetCapabilitiesRet>(RemoteProcedure.ConnectGetCapabilities, default, ct);
        try
        {
            using var xml = XmlReader.Create(new StringReader(reply.Capabilities), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
            return xml.ReadToFollowing("uuid") && Guid.TryParse(xml.ReadElementContentAsString(), out var uuid) ? uuid : null;
        }
        catch (XmlException)
        {
            return null;
        }
    }

    public async Task<PrepareReply> PrepareAsync(PhaseCall call, CancellationToken ct)
    {
        var reply = await CallAsync<DomainMigratePrepare3ParamsArgs, DomainMigratePrepare3ParamsRet>(
            RemoteProcedure.DomainMigratePrepare3Params,
            new DomainMigratePrepare3ParamsArgs(MigrationParameterList.Write(call.Parameters), call.Cookie, (uint)call.Flags),
            ct);
        return new PrepareReply(reply.CookieOut, reply.UriOut);
    }

    public async Task<(PrepareReply Reply, IMigrationTunnel Tunnel)> PrepareTunnelAsync(PhaseCall call, CancellationToken ct)
    {
        var (reply, stream) = await GuardAsync(() =>
            _connection.OpenStreamAsync<DomainMigratePrepareTunnel3ParamsArgs, DomainMigratePrepareTunnel3ParamsRet>(
                RemoteProcedure.Program,
                RemoteProcedure.Version,
                RemoteProcedure.DomainMigratePrepareTunnel3Params,
                new DomainMigratePrepareTunnel3ParamsArgs(MigrationParameterList.Write(call.Parameters), call.Cookie, (uint)call.Flags),
                ct));
        return (new PrepareReply(reply.CookieOut, UriOut: null), new Tunnel(stream));
    }

    public async Task<FinishReply> FinishAsync(PhaseCall call, bool cancelled, CancellationToken ct)
    {
        try
        {
            var reply = await CallAsync<DomainMigrateFinish3ParamsArgs, DomainMigrateFinish3ParamsRet>(
                RemoteProcedure.DomainMigrateFinish3Params,
                new DomainMigrateFinish3ParamsArgs(
                    MigrationParameterList.Write(call.Parameters), call.Cookie, (uint)call.Flags, cancelled ? 1 : 0),
                ct);
            return new FinishReply(reply.CookieOut);
        }
        catch (RemoteCallException e) when (cancelled && e.Code == ErrorCode.MigrateFinishOk)
        {
            // The reply has no room for "cancelled as you asked", so libvirt says it by an error.
            return new FinishReply([]);
        }
    }

    public async Task<ResolveAnswer> ResolveAsync(Guid handoverId, Guid domainUuid, Guid hostUuid, bool startPaused, CancellationToken ct)
    {
        var reply = await GuardAsync(() => _connection.CallAsync<PeerResolveArgs, PeerResolveRet>(
            PeerProcedure.Program, PeerProcedure.Version, PeerProcedure.Resolve, new PeerResolveArgs(handoverId, domainUuid, hostUuid, startPaused), ct));
        return Read(reply.Answer);
    }

    public async Task<ResolveAnswer> WithdrawAsync(Guid handoverId, Guid domainUuid, Guid hostUuid, CancellationToken ct)
    {
        var reply = await GuardAsync(() => _connection.CallAsync<PeerWithdrawArgs, PeerResolveRet>(
            PeerProcedure.Program, PeerProcedure.Version, PeerProcedure.Withdraw, new PeerWithdrawArgs(handoverId, domainUuid, hostUuid), ct));
        return Read(reply.Answer);
    }

    private ResolveAnswer Read(PeerAnswer answer) => answer switch
    {
        PeerAnswer.Run => ResolveAnswer.Run,
        PeerAnswer.Abort => ResolveAnswer.Abort,
        PeerAnswer.Pending => ResolveAnswer.Pending,
        var unknown => throw new PeerLostException($"{Uri} answered {unknown}, which is no answer"),
    };

    public Task AttachAsync(Guid handoverId, CancellationToken ct) => GuardAsync(async () =>
    {
        await _connection.CallAsync(
            PeerProcedure.Program, PeerProcedure.Version, PeerProcedure.Attach, new PeerAttachArgs(handoverId), ct);
    });

    public Task ForgetAsync(Guid handoverId, CancellationToken ct) => GuardAsync(async () =>
    {
        await _connection.CallAsync(
            PeerProcedure.Program, PeerProcedure.Version, PeerProcedure.Forget, new PeerForgetArgs(handoverId), ct);
    });

    public async Task<PeerDomain> LookAsync(Guid domainUuid, CancellationToken ct)
    {
        try
        {
            var found = await CallAsync<DomainLookupByUuidArgs, DomainLookupByUuidRet>(
                RemoteProcedure.DomainLookupByUuid, new DomainLookupByUuidArgs(domainUuid), ct);
            var state = await CallAsync<DomainGetStateArgs, DomainGetStateRet>(
                RemoteProcedure.DomainGetState, new DomainGetStateArgs(found.Dom, Flags: 0), ct);
            const int running = 1, shutoff = 5;
            return state.State switch
            {
                running => PeerDomain.Running,
                shutoff => PeerDomain.Absent,
                _ => PeerDomain.Incoming,
            };
        }
        catch (RemoteCallException e) when (e.Code == ErrorCode.NoDomain)
        {
            return PeerDomain.Absent;
        }
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    /// <param name="address">Of a TCP connection the address and port, of ssh whom it was asked for: [user@]host[:port].</param>
    internal static bool IsLocalAddress(string address)
    {
        var place = address[(address.LastIndexOf('@') + 1)..];
        return MigrationUri.IsLocalHost(IPEndPoint.TryParse(place, out var end) ? end.Address.ToString() : place);
    }

    private Task<TRet> CallAsync<TArgs, TRet>(int procedure, TArgs args, CancellationToken ct)
        where TArgs : struct, Wherry.Wire.Xdr.IXdr<TArgs>
        where TRet : struct, Wherry.Wire.Xdr.IXdr<TRet> =>
        GuardAsync(() => _connection.CallAsync<TArgs, TRet>(RemoteProcedure.Program, RemoteProcedure.Version, procedure, args, ct));

    private Task CallAsync<TArgs>(int procedure, TArgs args, CancellationToken ct)
        where TArgs : struct, Wherry.Wire.Xdr.IXdr<TArgs> =>
        GuardAsync(async () =>
        {
            await _connection.CallAsync(RemoteProcedure.Program, RemoteProcedure.Version, procedure, args, ct);
        });

    private static Task GuardAsync(Func<Task> call) => GuardAsync(async () =>
    {
        await call();
        return true;
    });

    private static async Task<T> GuardAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (ConnectionLostException e)
        {
            throw new PeerLostException(e.Message, e);
        }
    }

    /// <summary>The stream with its errors told apart as those of calls.</summary>
    private sealed class Tunnel(ClientStream stream) : IMigrationTunnel
    {
        public int MaxPacketBytes => ClientStream.MaxPacketBytes;

        public Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct) => GuardAsync(async () =>
        {
            await stream.SendAsync(bytes, ct);
        });

        public Task FinishAsync(CancellationToken ct) => GuardAsync(async () =>
        {
            await stream.FinishAsync(ct);
        });

        public Task AbortAsync(string why, CancellationToken ct) => stream.AbortAsync(why, ct);
    }
}

/// <summary>Makes connections to other daemons with this daemon's keepalive settings.</summary>
internal sealed class RpcMigrationPeerDialer(ClientConnectionOptions options, TimeProvider time, ILogger logger) : IMigrationPeerDialer
{
    private static readonly TimeSpan ListenerDeadline = TimeSpan.FromSeconds(10);

    public async Task<IMigrationPeer> DialAsync(string uri, CancellationToken ct) =>
        await RpcMigrationPeer.ConnectAsync(uri, options, time, logger, ct);

    public Task RequireListenerAsync(string host, int port, CancellationToken ct) =>
        TcpProbe.RequireListenerAsync(host, port, ListenerDeadline, time, ct);
}
