using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Finding domains: lists, and lookup by id, UUID or name.

/// <param name="NeedResults">1 to get the list, 0 to get only its length in Ret.</param>
/// <param name="Flags">VIR_CONNECT_LIST_DOMAINS_* filters; 0 is all.</param>
[XdrStruct]
public readonly partial record struct ConnectListAllDomainsArgs(int NeedResults, uint Flags);

/// <param name="Ret">Number of domains, also when none were asked for.</param>
[XdrStruct]
public readonly partial record struct ConnectListAllDomainsRet(
    [XdrMax(RemoteLimits.DomainList)] ImmutableArray<NonnullDomain> Domains,
    uint Ret);

[XdrStruct]
public readonly partial record struct ConnectNumOfDomainsRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListDomainsArgs(int Maxids);

[XdrStruct]
public readonly partial record struct ConnectListDomainsRet([XdrMax(RemoteLimits.DomainList)] ImmutableArray<int> Ids);

[XdrStruct]
public readonly partial record struct ConnectNumOfDefinedDomainsRet(int Num);

[XdrStruct]
public readonly partial record struct ConnectListDefinedDomainsArgs(int Maxnames);

[XdrStruct]
public readonly partial record struct ConnectListDefinedDomainsRet(
    [XdrMax(RemoteLimits.DomainList)] ImmutableArray<string> Names);

[XdrStruct]
public readonly partial record struct DomainLookupByIdArgs(int Id);

[XdrStruct]
public readonly partial record struct DomainLookupByIdRet(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainLookupByUuidArgs(Guid Uuid);

[XdrStruct]
public readonly partial record struct DomainLookupByUuidRet(NonnullDomain Dom);

[XdrStruct]
public readonly partial record struct DomainLookupByNameArgs(string Name);

[XdrStruct]
public readonly partial record struct DomainLookupByNameRet(NonnullDomain Dom);
