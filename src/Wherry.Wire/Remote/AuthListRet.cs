using System.Collections.Immutable;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Remote;

/// <summary>The ways in which this connection may authenticate, in order of the server's preference.</summary>
[XdrStruct]
public readonly partial record struct AuthListRet([XdrMax(20)] ImmutableArray<AuthType> Types);

/// <summary>libvirt's <c>remote_auth_type</c>.</summary>
public enum AuthType
{
    /// <summary>Nothing more to do: the socket's file mode or the TLS certificate decided.</summary>
    None = 0,
    Sasl = 1,
    Polkit = 2,
}
