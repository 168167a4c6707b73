using System.Collections.Immutable;
using Wherry.Daemon.Configuration;
using Wherry.Daemon.Hosting;
using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Rpc.Transports.Tls;
using Wherry.Wire.Admin;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

/// <summary>
/// The admin program: what virt-admin sees and changes of the daemon itself. Its socket serves root and the daemon's own user only.
/// Names of servers and parameters, and the texts of errors, are libvirtd's.
/// </summary>
[RpcProgram(typeof(AdminProcedure))]
internal sealed partial class AdminProgram(DaemonLoggerFactory log, IReadOnlyList<TlsListener> tlsListeners)
{
    /// <summary>The server of qemu:///system or /session, under the name that administrators' scripts have.</summary>
    public const string MainServer = "libvirtd";

    /// <summary>The server of this program.</summary>
    public const string OwnServer = "admin";

    private const ulong LibvirtVersion = 9_000_000;

    /// <summary>Set by the composition, since the server of this program is one of them. In libvirtd's order.</summary>
    public ImmutableArray<(string Name, RpcServer Server)> Servers { get; set; } = [];

    [Procedure(AdminProcedure.ConnectOpen)]
    private ValueTask ConnectOpen(ServerCall call, AdminConnectOpenArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, "adminDispatchConnectOpen");
        return default;
    }

    [Procedure(AdminProcedure.ConnectClose)]
    private ValueTask ConnectClose(ServerCall call, CancellationToken ct)
    {
        call.Session.CloseAfterReplies("the client closed its connection");
        return default;
    }

    [Procedure(AdminProcedure.ConnectGetLibVersion)]
    private ValueTask<AdminConnectGetLibVersionRet> ConnectGetLibVersion(ServerCall call, CancellationToken ct) =>
        new(new AdminConnectGetLibVersionRet(LibvirtVersion));

    [Procedure(AdminProcedure.ConnectListServers)]
    private ValueTask<AdminConnectListServersRet> ConnectListServers(ServerCall call, AdminConnectListServersArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, "adminConnectListServers");
        return new(new AdminConnectListServersRet(
            args.NeedResults == 0 ? [] : [.. Servers.Select(server => new NonnullServer(server.Name))], (uint)Servers.Length));
    }

    [Procedure(AdminProcedure.ConnectLookupServer)]
    private ValueTask<AdminConnectLookupServerRet> ConnectLookupServer(ServerCall call, AdminConnectLookupServerArgs args, CancellationToken ct)
    {
        Server(args.Name);
        return new(new AdminConnectLookupServerRet(new NonnullServer(args.Name)));
    }

    /// <summary>
    /// Calls here are not bound to threads: they run as they come, and wait without one. What the numbers mean to an administrator is still
    /// true: how many calls are being worked on, and how many wait for their turn.
    /// </summary>
    [Procedure(AdminProcedure.ServerGetThreadpoolParameters)]
    private ValueTask<AdminServerGetThreadpoolParametersRet> ServerGetThreadpoolParameters(
        ServerCall call, AdminServerGetThreadpoolParametersArgs args, CancellationToken ct)
    {
        var server = Server(args.Srv.Name);
        CheckFlags(args.Flags, "adminServerGetThreadPoolParameters");
        var (inProgress, waiting) = server.Calls;
        ThreadPool.GetMinThreads(out var min, out _);
        ThreadPool.GetMaxThreads(out var max, out _);
        var current = Math.Max(ThreadPool.ThreadCount, inProgress);
        return new(new AdminServerGetThreadpoolParametersRet(
        [
            TypedParameter.UInt("minWorkers", (uint)min),
            TypedParameter.UInt("maxWorkers", (uint)max),
            TypedParameter.UInt("nWorkers", (uint)current),
            TypedParameter.UInt("freeWorkers", (uint)(current - inProgress)),
            TypedParameter.UInt("prioWorkers", 0),
            TypedParameter.UInt("jobQueueDepth", (uint)waiting),
        ]));
    }

    [Procedure(AdminProcedure.ServerSetThreadpoolParameters)]
    private ValueTask ServerSetThreadpoolParameters(ServerCall call, AdminServerSetThreadpoolParametersArgs args, CancellationToken ct)
    {
        Server(args.Srv.Name);
        throw new WherryException(ErrorCode.OperationUnsupported, "calls are not bound to worker threads, so there is no number of them to set", ErrorDomain.Admin);
    }

    [Procedure(AdminProcedure.ServerListClients)]
    private ValueTask<AdminServerListClientsRet> ServerListClients(ServerCall call, AdminServerListClientsArgs args, CancellationToken ct)
    {
        var server = Server(args.Srv.Name);
        CheckFlags(args.Flags, "adminServerListClients");
        var sessions = server.Sessions;
        return new(new AdminServerListClientsRet(
            args.NeedResults == 0 ? [] : [.. sessions.OrderBy(session => session.Id).Select(session => Name(args.Srv, session))], (uint)sessions.Count));
    }

    [Procedure(AdminProcedure.ServerLookupClient)]
    private ValueTask<AdminServerLookupClientRet> ServerLookupClient(ServerCall call, AdminServerLookupClientArgs args, CancellationToken ct)
    {
        var server = Server(args.Srv.Name);
        CheckFlags(args.Flags, "adminServerLookupClient");
        return new(new AdminServerLookupClientRet(Name(args.Srv, Session(server, args.Id))));
    }

    [Procedure(AdminProcedure.ClientGetInfo)]
    private ValueTask<AdminClientGetInfoRet> ClientGetInfo(ServerCall call, AdminClientGetInfoArgs args, CancellationToken ct)
    {
        var session = Session(Server(args.Clnt.Srv.Name), args.Clnt.Id);
        CheckFlags(args.Flags, "adminClientGetInfo");
        var info = ImmutableArray.CreateBuilder<TypedParameter>();
        info.Add(TypedParameter.Boolean("readonly", session.IsReadOnly));
        var peer = session.Identity;
        if (!peer.IsLocal)
        {
            info.Add(TypedParameter.String("sock_addr", peer.Address));
            if (peer.CertificateName is { } name) info.Add(TypedParameter.String("tls_x509_dname", name));
            return new(new AdminClientGetInfoRet(info.ToImmutable()));
        }

        if (peer.Uid is { } uid)
        {
            info.Add(TypedParameter.Int("unix_user_id", (int)uid));
            if (UnixNames.User(uid) is { } user) info.Add(TypedParameter.String("unix_user_name", user));
        }

        if (peer.Gid is { } gid)
        {
            info.Add(TypedParameter.Int("unix_group_id", (int)gid));
            if (UnixNames.Group(gid) is { } group) info.Add(TypedParameter.String("unix_group_name", group));
        }

        // 0 is the kernel's word for a process in a name space that we cannot see into.
        if (peer.Pid is { } pid) info.Add(TypedParameter.Int("unix_process_id", pid == 0 ? -1 : pid));
        return new(new AdminClientGetInfoRet(info.ToImmutable()));
    }

    [Procedure(AdminProcedure.ClientClose)]
    private ValueTask ClientClose(ServerCall call, AdminClientCloseArgs args, CancellationToken ct)
    {
        var session = Session(Server(args.Clnt.Srv.Name), args.Clnt.Id);
        CheckFlags(args.Flags, "adminClientClose");
        session.Disconnect("closed by an administrator");
        return default;
    }

    [Procedure(AdminProcedure.ServerGetClientLimits)]
    private ValueTask<AdminServerGetClientLimitsRet> ServerGetClientLimits(ServerCall call, AdminServerGetClientLimitsArgs args, CancellationToken ct)
    {
        var server = Server(args.Srv.Name);
        CheckFlags(args.Flags, "adminServerGetClientLimits");
        var clients = server.Clients;
        return new(new AdminServerGetClientLimitsRet(
        [
            TypedParameter.UInt("nclients_max", (uint)clients.Max),
            TypedParameter.UInt("nclients", (uint)clients.Connected),
            TypedParameter.UInt("nclients_unauth_max", (uint)clients.MaxAnonymous),
            TypedParameter.UInt("nclients_unauth", (uint)clients.Anonymous),
        ]));
    }

    [Procedure(AdminProcedure.ServerSetClientLimits)]
    private ValueTask ServerSetClientLimits(ServerCall call, AdminServerSetClientLimitsArgs args, CancellationToken ct)
    {
        var server = Server(args.Srv.Name);
        CheckFlags(args.Flags, "adminServerSetClientLimits");
        int? max = null, anonymous = null;
        foreach (var (field, value) in args.Params)
        {
            switch (field)
            {
                case "nclients_max": max = Limit(field, value); break;
                case "nclients_unauth_max": anonymous = Limit(field, value); break;
                default: throw new WherryException(ErrorCode.ArgumentUnsupported, $"parameter '{field}' not supported", ErrorDomain.None);
            }
        }

        server.SetClientLimits(max, anonymous);
        return default;
    }

    [Procedure(AdminProcedure.ServerUpdateTlsFiles)]
    private ValueTask ServerUpdateTlsFiles(ServerCall call, AdminServerUpdateTlsFilesArgs args, CancellationToken ct)
    {
        Server(args.Srv.Name);
        CheckFlags(args.Flags, "adminServerUpdateTlsFiles");
        if (args.Srv.Name != MainServer || tlsListeners.Count == 0)
            throw new WherryException(ErrorCode.InternalError, "no tls service found, unable to update tls files", ErrorDomain.Rpc);
        foreach (var listener in tlsListeners) listener.Reload();
        return default;
    }

    [Procedure(AdminProcedure.ConnectGetLoggingOutputs)]
    private ValueTask<AdminConnectGetLoggingOutputsRet> ConnectGetLoggingOutputs(
        ServerCall call, AdminConnectGetLoggingOutputsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, "adminConnectGetLoggingOutputs");
        var outputs = log.Settings.Outputs;
        return new(new AdminConnectGetLoggingOutputsRet(string.Join(' ', outputs), (uint)outputs.Length));
    }

    [Procedure(AdminProcedure.ConnectGetLoggingFilters)]
    private ValueTask<AdminConnectGetLoggingFiltersRet> ConnectGetLoggingFilters(
        ServerCall call, AdminConnectGetLoggingFiltersArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, "adminConnectGetLoggingFilters");
        var filters = log.Settings.Filters;
        // libvirt puts a space after each, also after the last.
        return new(new AdminConnectGetLoggingFiltersRet(
            filters.IsEmpty ? null : string.Concat(filters.Select(filter => $"{filter} ")), (uint)filters.Length));
    }

    [Procedure(AdminProcedure.ConnectSetLoggingOutputs)]
    private ValueTask ConnectSetLoggingOutputs(ServerCall call, AdminConnectSetLoggingOutputsArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, "adminConnectSetLoggingOutputs");
        log.SetOutputs(args.Outputs);
        return default;
    }

    [Procedure(AdminProcedure.ConnectSetLoggingFilters)]
    private ValueTask ConnectSetLoggingFilters(ServerCall call, AdminConnectSetLoggingFiltersArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, "adminConnectSetLoggingFilters");
        log.SetFilters(args.Filters);
        return default;
    }

    [Procedure(AdminProcedure.ConnectSetDaemonTimeout)]
    private ValueTask ConnectSetDaemonTimeout(ServerCall call, AdminConnectSetDaemonTimeoutArgs args, CancellationToken ct) =>
        throw new WherryException(ErrorCode.OperationUnsupported, "this daemon does not end by itself", ErrorDomain.Admin);

    private RpcServer Server(string name)
    {
        foreach (var (known, server) in Servers)
        {
            if (known == name) return server;
        }

        throw new WherryException(ErrorCode.NoServer, $"No server named '{name}'", ErrorDomain.Rpc);
    }

    private static ServerSession Session(RpcServer server, ulong id) =>
        server.Sessions.FirstOrDefault(session => (ulong)session.Id == id)
        ?? throw new WherryException(ErrorCode.NoClient, $"No client with matching ID '{id}'", ErrorDomain.Rpc);

    private static NonnullClient Name(NonnullServer server, ServerSession session) => new(
        server,
        (ulong)session.Id,
        session.ConnectedAt.ToUnixTimeSeconds(),
        session.Identity.IsLocal ? ClientTransport.Unix : session.Identity.IsEncrypted ? ClientTransport.Tls : ClientTransport.Tcp);

    private static int Limit(string field, TypedParameterValue value) => value.AsUInt switch
    {
        null => throw new WherryException(
            ErrorCode.InvalidArg,
            $"invalid type '{value.Type.ToString().ToLowerInvariant()}' for parameter '{field}', expected 'uint'",
            ErrorDomain.None),
        > int.MaxValue => int.MaxValue, // a limit that nobody reaches, as it was meant
        { } limit => (int)limit,
    };

    private static void CheckFlags(uint flags, string function)
    {
        if (flags != 0)
            throw new WherryException(ErrorCode.InvalidArg, $"unsupported flags (0x{flags:x}) in function {function}", ErrorDomain.Admin);
    }
}
