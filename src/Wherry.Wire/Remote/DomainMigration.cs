using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// The five phases of a migration with their arguments as typed parameters (procedures 302 to 307), as libvirt speaks since 1.1.
//
//   Begin (source) -> Prepare (destination) -> Perform (source) -> Finish (destination) -> Confirm (source)
//
// Each phase carries the cookie that the phase before it returned. A cookie's last byte is a NUL, or it is empty.

/// <summary>Source: start the job, describe the domain.</summary>
[XdrStruct]
public readonly partial record struct DomainMigrateBegin3ParamsArgs(
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.DomainMigrateParamList)] ImmutableArray<TypedParameter> Params,
    uint Flags);

/// <param name="Xml">The domain as the destination shall define it.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateBegin3ParamsRet(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut,
    string Xml);

/// <summary>Destination: make a QEMU that waits for the state.</summary>
[XdrStruct]
public readonly partial record struct DomainMigratePrepare3ParamsArgs(
    [XdrMax(RemoteLimits.DomainMigrateParamList)] ImmutableArray<TypedParameter> Params,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    uint Flags);

/// <param name="UriOut">Where that QEMU listens; null if the caller's migrate_uri holds.</param>
[XdrStruct]
public readonly partial record struct DomainMigratePrepare3ParamsRet(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut,
    string? UriOut);

/// <summary>The same, with the state to come over the stream that this call opens.</summary>
[XdrStruct]
public readonly partial record struct DomainMigratePrepareTunnel3ParamsArgs(
    [XdrMax(RemoteLimits.DomainMigrateParamList)] ImmutableArray<TypedParameter> Params,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainMigratePrepareTunnel3ParamsRet(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut);

/// <summary>Source: move the state. Returns when it is moved.</summary>
/// <param name="Dconnuri">Peer-to-peer: the other daemon, and this one then runs all phases.</param>
[XdrStruct]
public readonly partial record struct DomainMigratePerform3ParamsArgs(
    NonnullDomain Dom,
    string? Dconnuri,
    [XdrMax(RemoteLimits.DomainMigrateParamList)] ImmutableArray<TypedParameter> Params,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    uint Flags);

[XdrStruct]
public readonly partial record struct DomainMigratePerform3ParamsRet(
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut);

/// <summary>Destination: run the domain, or discard it.</summary>
/// <param name="Cancelled">1 after a failed Perform: discard.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateFinish3ParamsArgs(
    [XdrMax(RemoteLimits.DomainMigrateParamList)] ImmutableArray<TypedParameter> Params,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    uint Flags,
    int Cancelled);

/// <summary>That the domain runs. A discarded one is answered by error 93 (MigrateFinishOk) instead.</summary>
[XdrStruct]
public readonly partial record struct DomainMigrateFinish3ParamsRet(
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieOut);

/// <summary>Source: end the domain here, or resume it.</summary>
/// <param name="Cancelled">1 if it does not run at the destination: resume.</param>
[XdrStruct]
public readonly partial record struct DomainMigrateConfirm3ParamsArgs(
    NonnullDomain Dom,
    [XdrMax(RemoteLimits.DomainMigrateParamList)] ImmutableArray<TypedParameter> Params,
    [XdrMax(RemoteLimits.MigrateCookie)] ImmutableArray<byte> CookieIn,
    uint Flags,
    int Cancelled);
