using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// The persistent side of a domain: its definition, autostart, metadata, saved state.

[XdrStruct]
public readonly partial record struct DomainDefineXmlArgs(string Xml);

[XdrStruct]
public readonly partial record struct DomainDefineXmlRet(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainDefineXmlFlagsArgs(string Xml, uint Flags);

[XdrStruct]
public readonly partial record struct DomainDefineXmlFlagsRet(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainUndefineArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainUndefineFlagsArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetXmlDescArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetXmlDescRet(string Xml);

[XdrStruct]
public readonly partial record struct DomainGetAutostartArgs(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainGetAutostartRet(int Autostart);

[XdrStruct]
public readonly partial record struct DomainSetAutostartArgs(NonnullDomain Dom, int Autostart);

[XdrStruct]
public readonly partial record struct DomainGetMetadataArgs(NonnullDomain Dom, int Type, string? Uri, uint Flags);

[XdrStruct]
public readonly partial record struct DomainGetMetadataRet(string Metadata);

[XdrStruct]
public readonly partial record struct DomainSetMetadataArgs(
    NonnullDomain Dom,
    int Type,
    string? Metadata,
    string? Key,
    string? Uri,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainRenameArgs(NonnullDomain Dom, string? NewName, uint Flags);

[XdrStruct]
public readonly partial record struct DomainRenameRet(int Retcode);

[XdrStruct]
public readonly partial record struct DomainHasManagedSaveImageArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainHasManagedSaveImageRet(int Result);

[XdrStruct]
public readonly partial record struct DomainManagedSaveArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainManagedSaveRemoveArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainSnapshotNumArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainSnapshotNumRet(int Num);

[XdrStruct]
public readonly partial record struct DomainListAllSnapshotsArgs(NonnullDomain Dom, int NeedResults, uint Flags);

[XdrStruct]
public readonly partial record struct DomainListAllSnapshotsRet(
    [XdrMax(RemoteLimits.DomainSnapshotList)] ImmutableArray<NonnullDomainSnapshot> Snapshots,
    int Ret);

[XdrStruct]
public readonly partial record struct DomainHasCurrentSnapshotArgs(NonnullDomain Dom, uint Flags);

[XdrStruct]
public readonly partial record struct DomainHasCurrentSnapshotRet(int Result);

[XdrStruct]
public readonly partial record struct ConnectDomainXmlToNativeArgs(string NativeFormat, string DomainXml, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectDomainXmlToNativeRet(string NativeConfig);

[XdrStruct]
public readonly partial record struct ConnectDomainXmlFromNativeArgs(string NativeFormat, string NativeConfig, uint Flags);

[XdrStruct]
public readonly partial record struct ConnectDomainXmlFromNativeRet(string DomainXml);
