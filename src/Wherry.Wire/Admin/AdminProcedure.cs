using Wherry.Wire.Procedures;

namespace Wherry.Wire.Admin;

/// <summary>
/// The admin program's numbers: what virt-admin asks of the daemon itself, over a socket of its own. libvirt's API functions are called
/// virAdm and the name here.
/// </summary>
[ProcedureTable]
public static partial class AdminProcedure
{
    public const uint Program = 0x0690_0690;

    public const uint Version = 1;

    public const int ConnectOpen = 1;
    public const int ConnectClose = 2;
    public const int ConnectGetLibVersion = 3;
    public const int ConnectListServers = 4;
    public const int ConnectLookupServer = 5;
    public const int ServerGetThreadpoolParameters = 6;
    public const int ServerSetThreadpoolParameters = 7;
    public const int ServerListClients = 8;
    public const int ServerLookupClient = 9;
    public const int ClientGetInfo = 10;
    public const int ClientClose = 11;
    public const int ServerGetClientLimits = 12;
    public const int ServerSetClientLimits = 13;
    public const int ConnectGetLoggingOutputs = 14;
    public const int ConnectGetLoggingFilters = 15;
    public const int ConnectSetLoggingOutputs = 16;
    public const int ConnectSetLoggingFilters = 17;
    public const int ServerUpdateTlsFiles = 18;
    public const int ConnectSetDaemonTimeout = 19;
}
