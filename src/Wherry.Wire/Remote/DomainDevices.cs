using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

// Devices and limits of a domain that change while it exists.

[XdrStruct]
public readonly partial record struct DomainAttachDeviceArgs(NonnullDomain Dom, string Xml);

[XdrStruct]
public readonly partial record struct DomainAttachDeviceFlagsArgs(NonnullDomain Dom, string Xml, uint Flags);

[XdrStruct]
public readonly partial record struct DomainDetachDeviceArgs(NonnullDomain Dom, string Xml);

[XdrStruct]
public readonly partial record struct DomainDetachDeviceFlagsArgs(NonnullDomain Dom, string Xml, uint Flags);

[XdrStruct]
public readonly partial record struct DomainDetachDeviceAliasArgs(NonnullDomain Dom, string Alias, uint Flags);

[XdrStruct]
public readonly partial record struct DomainUpdateDeviceFlagsArgs(NonnullDomain Dom, string Xml, uint Flags);

/// <param name="Memory">KiB.</param>
[XdrStruct]
public readonly partial record struct DomainSetMemoryArgs(NonnullDomain Dom, ulong Memory);

/// <param name="Memory">KiB.</param>
[XdrStruct]
public readonly partial record struct DomainSetMaxMemoryArgs(NonnullDomain Dom, ulong Memory);

/// <param name="Memory">KiB.</param>
[XdrStruct]
public readonly partial record struct DomainSetMemoryFlagsArgs(NonnullDomain Dom, ulong Memory, uint Flags);

[XdrStruct]
public readonly partial record struct DomainSetVcpusArgs(NonnullDomain Dom, uint Nvcpus);

[XdrStruct]
public readonly partial record struct DomainSetVcpusFlagsArgs(NonnullDomain Dom, uint Nvcpus, uint Flags);

[XdrStruct]
public readonly partial record struct DomainBlockResizeArgs(NonnullDomain Dom, string Disk, ulong Size, uint Flags);

/// <param name="Dev">A target such as <c>vda</c>, or one of its images: <c>vda[2]</c>.</param>
/// <param name="Threshold">Bytes; zero: never.</param>
[XdrStruct]
public readonly partial record struct DomainSetBlockThresholdArgs(NonnullDomain Dom, string Dev, ulong Threshold, uint Flags);

[XdrStruct]
public readonly partial record struct DomainOpenConsoleArgs(NonnullDomain Dom, string? DevName, uint Flags);

[XdrStruct]
public readonly partial record struct DomainOpenChannelArgs(NonnullDomain Dom, string? Name, uint Flags);
