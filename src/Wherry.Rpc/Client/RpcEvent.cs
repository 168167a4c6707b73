using Wherry.Wire.Frames;
using Wherry.Wire.Xdr;

namespace Wherry.Rpc.Client;

/// <summary>One event message from the server, in the order in which it sent them.</summary>
/// <param name="Header">Program, version and procedure say what the body is.</param>
public sealed record RpcEvent(MessageHeader Header, ReadOnlyMemory<byte> Body)
{
    /// <exception cref="XdrException">The body is something else.</exception>
    public T Read<T>()
        where T : struct, IXdr<T>
    {
        var reader = new XdrReader(Body.Span);
        var value = T.Decode(ref reader);
        reader.ExpectEnd();
        return value;
    }
}
