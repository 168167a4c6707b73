using System.Net;
using Microsoft.Extensions.Logging;
using Wherry.Daemon.Configuration;
using Wherry.Rpc.Transports;
using Wherry.Rpc.Transports.Tls;

namespace Wherry.Daemon.Hosting;

/// <summary>
/// Everywhere that the daemon is reached. Bound before the definitions are read, so that who comes meanwhile waits instead of being refused,
/// and answered from when the daemon is whole.
/// </summary>
internal sealed class DaemonListeners : IAsyncDisposable
{
    private readonly List<RpcListener> _clients = [];
    private readonly List<RpcListener> _administrators = [];

    private DaemonListeners()
    {
    }

    public IReadOnlyList<RpcListener> Clients => _clients;

    public IReadOnlyList<RpcListener> Administrators => _administrators;

    /// <exception cref="Errors.WherryException">SYSTEM_ERROR: one of the places cannot be had; none of the others is kept.</exception>
    public static async Task<DaemonListeners> BindAsync(DaemonOptions options, ILoggerFactory logs, TimeProvider time)
    {
        var listeners = new DaemonListeners();
        try
        {
            listeners.Bind(options, logs, time);
            return listeners;
        }
        catch
        {
            await listeners.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var listener in _clients.Concat(_administrators))
            await listener.DisposeAsync();
    }

    private void Bind(DaemonOptions options, ILoggerFactory logs, TimeProvider time)
    {
        var directory = Directory.CreateDirectory(options.UnixSocketDirectory).FullName;
        var backlog = options.MaxQueuedClients;
        _clients.Add(UnixListener.Bind(Path.Combine(directory, "libvirt-sock"), options.UnixReadWriteMode, backlog, group: options.UnixGroup));
        _clients.Add(UnixListener.Bind(
            Path.Combine(directory, "libvirt-sock-ro"), options.UnixReadOnlyMode, backlog, readOnly: true, group: options.UnixGroup));
        foreach (var endPoint in options.Listen)
            _clients.Add(TcpListener.Bind(AddressOf(endPoint), endPoint.Port, backlog));
        foreach (var endPoint in options.ListenTls)
            _clients.Add(TlsListener.Bind(AddressOf(endPoint), endPoint.Port, TlsServer(options, logs, time), backlog));
        _administrators.Add(UnixListener.Bind(
            Path.Combine(directory, "libvirt-admin-sock"), options.UnixAdminMode, options.AdminMaxQueuedClients, auth: AuthScheme.PeerCredentials));
    }

    /// <summary>Null, which is IPv4 and IPv6 with one socket, for the address that means everywhere.</summary>
    private static IPAddress? AddressOf(IPEndPoint endPoint) => endPoint.Address.Equals(IPAddress.IPv6Any) ? null : endPoint.Address;

    private static TlsServerOptions TlsServer(DaemonOptions options, ILoggerFactory logs, TimeProvider time)
    {
        var tls = options.Tls;
        return new TlsServerOptions
        {
            Load = () => TlsCredentials.Load(
                options.ServerTlsFiles, TlsRole.Server, tls.SanityCheck, tls.Priority, time, logs.CreateLogger("Wherry.Rpc")),
            VerifyClient = tls.VerifyClient,
            AllowedNames = tls.AllowedNames,
        };
    }
}
