using System.Collections.Immutable;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Admin;

// Arguments and results of the admin program. Its typed parameters are encoded as the remote program's.

/// <summary>Limits of the admin program's lists, as libvirt's <c>ADMIN_…_MAX</c>.</summary>
public static class AdminLimits
{
    public const int ServerList = 16_384;
    public const int ThreadpoolParameters = 32;
    public const int ClientList = 16_384;
    public const int ClientInfoParameters = 64;
    public const int ServerClientLimits = 32;
}

[XdrStruct]
public readonly partial record struct NonnullServer(string Name);

/// <param name="Timestamp">Connected since, seconds since 1970 UTC.</param>
[XdrStruct]
public readonly partial record struct NonnullClient(NonnullServer Srv, ulong Id, long Timestamp, ClientTransport Transport);

/// <summary>libvirt's <c>virClientTransport</c>.</summary>
public enum ClientTransport
{
    Unix = 0,
    Tcp = 1,
    Tls = 2,
}

[XdrStruct]
public readonly partial record struct AdminConnectOpenArgs(uint Flags);

[XdrStruct]
public readonly partial record struct AdminConnectGetLibVersionRet(ulong LibVer);

[XdrStruct]
public readonly partial record struct AdminConnectListServersArgs(uint NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct AdminConnectListServersRet(
    [XdrMax(AdminLimits.ServerList)] ImmutableArray<NonnullServer> Servers,
    uint Ret);

[XdrStruct]
public readonly partial record struct AdminConnectLookupServerArgs(string Name, uint Flags);

[XdrStruct]
public readonly partial record struct AdminConnectLookupServerRet(NonnullServer Srv);

[XdrStruct]
public readonly partial record struct AdminServerGetThreadpoolParametersArgs(NonnullServer Srv, uint Flags);

[XdrStruct]
public readonly partial record struct AdminServerGetThreadpoolParametersRet(
    [XdrMax(AdminLimits.ThreadpoolParameters)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct AdminServerSetThreadpoolParametersArgs(
    NonnullServer Srv,
    [XdrMax(AdminLimits.ThreadpoolParameters)] ImmutableArray<TypedParameter> Params,
    uint Flags);

[XdrStruct]
public readonly partial record struct AdminServerListClientsArgs(NonnullServer Srv, uint NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct AdminServerListClientsRet(
    [XdrMax(AdminLimits.ClientList)] ImmutableArray<NonnullClient> Clients,
    uint Ret);

[XdrStruct]
public readonly partial record struct AdminServerLookupClientArgs(NonnullServer Srv, ulong Id, uint Flags);

[XdrStruct]
public readonly partial record struct AdminServerLookupClientRet(NonnullClient Clnt);

[XdrStruct]
public readonly partial record struct AdminClientGetInfoArgs(NonnullClient Clnt, uint Flags);

[XdrStruct]
public readonly partial record struct AdminClientGetInfoRet(
    [XdrMax(AdminLimits.ClientInfoParameters)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct AdminClientCloseArgs(NonnullClient Clnt, uint Flags);

[XdrStruct]
public readonly partial record struct AdminServerGetClientLimitsArgs(NonnullServer Srv, uint Flags);

[XdrStruct]
public readonly partial record struct AdminServerGetClientLimitsRet(
    [XdrMax(AdminLimits.ServerClientLimits)] ImmutableArray<TypedParameter> Params);

[XdrStruct]
public readonly partial record struct AdminServerSetClientLimitsArgs(
    NonnullServer Srv,
    [XdrMax(AdminLimits.ServerClientLimits)] ImmutableArray<TypedParameter> Params,
    uint Flags);

[XdrStruct]
public readonly partial record struct AdminServerUpdateTlsFilesArgs(NonnullServer Srv, uint Flags);

[XdrStruct]
public readonly partial record struct AdminConnectGetLoggingOutputsArgs(uint Flags);

[XdrStruct]
public readonly partial record struct AdminConnectGetLoggingOutputsRet(string Outputs, uint Noutputs);

[XdrStruct]
public readonly partial record struct AdminConnectGetLoggingFiltersArgs(uint Flags);

/// <param name="Filters">Null when there are none.</param>
[XdrStruct]
public readonly partial record struct AdminConnectGetLoggingFiltersRet(string? Filters, uint Nfilters);

/// <param name="Outputs">Null or empty for the default.</param>
[XdrStruct]
public readonly partial record struct AdminConnectSetLoggingOutputsArgs(string? Outputs, uint Flags);

[XdrStruct]
public readonly partial record struct AdminConnectSetLoggingFiltersArgs(string? Filters, uint Flags);

/// <param name="Timeout">Seconds without a client or a running domain after which the daemon ends.</param>
[XdrStruct]
public readonly partial record struct AdminConnectSetDaemonTimeoutArgs(uint Timeout, uint Flags);
