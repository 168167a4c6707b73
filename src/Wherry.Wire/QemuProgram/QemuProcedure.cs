using Wherry.Wire.Procedures;

namespace Wherry.Wire.QemuProgram;

/// <summary>The qemu program's numbers. libvirt refuses all of it to read-only connections. See RemoteProcedure for the traits.</summary>
[ProcedureTable]
public static partial class QemuProcedure
{
    public const uint Program = 0x2000_8087;

    public const uint Version = 1;

    [Traits(Api = "virDomainQemuMonitorCommand")] public const int DomainMonitorCommand = 1;
    [Traits(Api = "virDomainQemuAttach")] public const int DomainAttach = 2;
    [Traits(Api = "virDomainQemuAgentCommand")] public const int DomainAgentCommand = 3;
    [Traits(Priority = true, Api = "virConnectDomainQemuMonitorEventRegister")] public const int ConnectDomainMonitorEventRegister = 4;
    [Traits(Priority = true, Api = "virConnectDomainQemuMonitorEventDeregister")] public const int ConnectDomainMonitorEventDeregister = 5;
    public const int DomainMonitorEvent = 6;
    [Traits(Api = "virDomainQemuMonitorCommandWithFiles")] public const int DomainMonitorCommandWithFiles = 7;
}
