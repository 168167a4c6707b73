using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// The connection itself: open, what it can do, what it is.

/// <param name="Name">The URI as the client wrote it, without transport: qemu:///system. Null asks for the default.</param>
/// <param name="Flags">1 read-only.</param>
[XdrStruct]
public readonly partial record struct ConnectOpenArgs(string? Name, uint Flags);

/// <param name="Feature">libvirt's VIR_DRV_FEATURE number: 3 migration v2 ... 7 change protection, 12 migration with typed parameters.</param>
[XdrStruct]
public readonly partial record struct ConnectSupportsFeatureArgs(int Feature);

[XdrStruct]
public readonly partial record struct ConnectSupportsFeatureRet(int Supported);

[XdrStruct]
public readonly partial record struct ConnectGetTypeRet(string Type);

/// <param name="HvVer">QEMU's version as major * 1,000,000 + minor * 1,000 + micro.</param>
[XdrStruct]
public readonly partial record struct ConnectGetVersionRet(ulong HvVer);

/// <param name="LibVer">The daemon's version in the same form; clients take it for libvirt's and switch features by it.</param>
[XdrStruct]
public readonly partial record struct ConnectGetLibVersionRet(ulong LibVer);

[XdrStruct]
public readonly partial record struct ConnectGetHostnameRet(string Hostname);

[XdrStruct]
public readonly partial record struct ConnectGetUriRet(string Uri);

[XdrStruct]
public readonly partial record struct ConnectGetSysinfoArgs(uint Flags);

[XdrStruct]
public readonly partial record struct ConnectGetSysinfoRet(string Sysinfo);

[XdrStruct]
public readonly partial record struct ConnectIsSecureRet(int Secure);

[XdrStruct]
public readonly partial record struct ConnectGetMaxVcpusArgs(string? Type);

[XdrStruct]
public readonly partial record struct ConnectGetMaxVcpusRet(int MaxVcpus);

[XdrStruct]
public readonly partial record struct ConnectGetCapabilitiesRet(string Capabilities);

[XdrStruct]
public readonly partial record struct ConnectGetDomainCapabilitiesArgs(
    string? Emulatorbin,
    string? Arch,
    string? Machine,
    string? Virttype,
    uint Flags);

[XdrStruct]
public readonly partial record struct ConnectGetDomainCapabilitiesRet(string Capabilities);

[XdrStruct]
public readonly partial record struct ConnectSetIdentityArgs(
    [XdrMax(RemoteLimits.ConnectIdentityParams)] ImmutableArray<TypedParameter> Params,
    uint Flags);

/// <summary>The daemon's connection to its hypervisor closed (procedure 362).</summary>
[XdrStruct]
public readonly partial record struct ConnectEventConnectionClosedMsg(int Reason);
