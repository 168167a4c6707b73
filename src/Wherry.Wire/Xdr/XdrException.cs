using Wherry.Errors;

namespace Wherry.Wire.Xdr;

/// <summary>
/// Bytes that do not form the expected value, or a value that may not be sent. As a <see cref="WherryException"/> with libvirt's code
/// for it (RPC error), so that undecodable arguments are answered like any other failed call; a frame header that breaks the rules
/// ends the connection, which is the reader's decision.
/// </summary>
public sealed class XdrException : WherryException
{
    public XdrException(string detail, Exception? inner = null)
        : base(ErrorCode.Rpc, detail, ErrorDomain.Rpc, inner)
    {
    }
}
