using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Migration versions 1 and 2 (procedures 61 to 63, 108, 109, 148). They have no Confirm, so the source cannot learn how Finish ended:
// decoded in order to be refused by name.

[XdrStruct]
public readonly partial record struct DomainMigratePrepareArgs(
    string? UriIn,
    ulong Flags,
    string? Dname,
    ulong Resource);

[XdrStruct]
public readonly partial record struct DomainMigratePrepareRet(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> Cookie,
    string? UriOut);

[XdrStruct]
public readonly partial record struct DomainMigratePerformArgs(
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> Cookie,
    string Uri,
    ulong Flags,
    string? Dname,
    ulong Resource);

[XdrStruct]
public readonly partial record struct DomainMigrateFinishArgs(
    string Dname,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> Cookie,
    string Uri,
    ulong Flags);

[XdrStruct]
public readonly partial record struct DomainMigrateFinishRet(NonnullDomain Ddom);

[XdrStruct]
public readonly partial record struct DomainMigratePrepare2Args(
    string? UriIn,
    ulong Flags,
    string? Dname,
    ulong Resource,
    string DomXml);

[XdrStruct]
public readonly partial record struct DomainMigratePrepare2Ret(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> Cookie,
    string? UriOut);

[XdrStruct]
public readonly partial record struct DomainMigrateFinish2Args(
    string Dname,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> Cookie,
    string Uri,
    ulong Flags,
    int Retcode);

[XdrStruct]
public readonly partial record struct DomainMigrateFinish2Ret(NonnullDomain Ddom);

[XdrStruct]
public readonly partial record struct DomainMigratePrepareTunnelArgs(
    ulong Flags,
    string? Dname,
    ulong Resource,
    string DomXml);
