using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// The same five phases for clients older than libvirt 1.1 (procedures 213 to 218), each argument with its place. Here flags are a
// hyper, and resource is the bandwidth in MiB/s.

[XdrStruct]
public readonly partial record struct DomainMigrateBegin3Args(
    NonnullDomain Dom,
    string? Xmlin,
    ulong Flags,
    string? Dname,
    ulong Resource);

[XdrStruct]
public readonly partial record struct DomainMigrateBegin3Ret(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut,
    string Xml);

[XdrStruct]
public readonly partial record struct DomainMigratePrepare3Args(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    string? UriIn,
    ulong Flags,
    string? Dname,
    ulong Resource,
    string DomXml);

[XdrStruct]
public readonly partial record struct DomainMigratePrepare3Ret(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut,
    string? UriOut);

[XdrStruct]
public readonly partial record struct DomainMigratePrepareTunnel3Args(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    ulong Flags,
    string? Dname,
    ulong Resource,
    string DomXml);

[XdrStruct]
public readonly partial record struct DomainMigratePrepareTunnel3Ret(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut);

[XdrStruct]
public readonly partial record struct DomainMigratePerform3Args(
    NonnullDomain Dom,
    string? Xmlin,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    string? Dconnuri,
    string? Uri,
    ulong Flags,
    string? Dname,
    ulong Resource);

[XdrStruct]
public readonly partial record struct DomainMigratePerform3Ret(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut);

[XdrStruct]
public readonly partial record struct DomainMigrateFinish3Args(
    string Dname,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    string? Dconnuri,
    string? Uri,
    ulong Flags,
    int Cancelled);

[XdrStruct]
public readonly partial record struct DomainMigrateFinish3Ret(
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut);

[XdrStruct]
public readonly partial record struct DomainMigrateConfirm3Args(
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    ulong Flags,
    int Cancelled);
