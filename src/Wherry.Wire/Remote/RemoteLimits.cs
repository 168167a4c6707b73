namespace Wherry.Wire.Remote;

/// <summary>
/// Limits of the remote program's lists (elements), opaques (bytes) and character arrays (characters with the terminating NUL), as
/// libvirt's <c>REMOTE_…_MAX</c>: a peer that follows libvirt refuses what is over them. Strings: <see cref="Xdr.XdrLimits.String"/>.
/// </summary>
public static class RemoteLimits
{
    public const int ConnectCpuModels = 8_192;
    public const int ConnectGetAllDomainStats = 262_144;
    public const int ConnectIdentityParams = 20;
    public const int CpuBaseline = 256;
    public const int Cpumap = 2_048;
    public const int Cpumaps = 8_388_608;
    public const int DomainAuthorizedSshKeys = 2_048;
    public const int DomainBlkioParameters = 16;
    public const int DomainBlockIoTuneParameters = 32;
    public const int DomainBlockStatsParameters = 16;
    public const int DomainDiskErrors = 256;
    public const int DomainEventGraphicsIdentity = 20;
    public const int DomainEventTunable = 2_048;
    public const int DomainFsfreezeMountpoints = 256;
    public const int DomainFsinfo = 256;
    public const int DomainFsinfoDisks = 256;
    public const int DomainGetCpuStats = 2_048;
    public const int DomainGuestInfoParams = 2_048;
    public const int DomainGuestVcpuParams = 64;
    public const int DomainInterface = 2_048;
    public const int DomainInterfaceParameters = 16;
    public const int DomainIothreadParams = 64;
    public const int DomainIpAddr = 2_048;
    public const int DomainJobStats = 64;
    public const int DomainLaunchSecurityInfoParams = 64;
    public const int DomainList = 16_384;
    public const int DomainMemoryParameters = 16;
    public const int DomainMemoryStats = 1_024;
    public const int DomainMessages = 2_048;
    public const int DomainMigrateParamList = 64;
    public const int DomainNumaParameters = 16;
    public const int DomainSchedulerParameters = 16;
    public const int DomainSendKey = 16;
    public const int DomainSnapshotList = 16_384;
    public const int InterfaceList = 16_384;
    public const int IothreadInfo = 16_384;
    public const int MigrateCookie = 4_194_304;
    public const int NetworkList = 16_384;
    public const int NodeCells = 1_024;
    public const int NodeCpuStats = 16;
    public const int NodeDeviceList = 65_536;
    public const int NodeMemoryParameters = 64;
    public const int NodeMemoryStats = 16;
    public const int NodeSevInfo = 64;
    public const int NwfilterBindingList = 16_384;
    public const int NwfilterList = 16_384;
    public const int SecretList = 16_384;
    public const int SecurityDoi = 257;
    public const int SecurityLabel = 4_097;
    public const int SecurityLabelList = 64;
    public const int SecurityModel = 257;
    public const int StoragePoolList = 16_384;
    public const int StorageVolList = 16_384;
    public const int Vcpuinfo = 16_384;
}
