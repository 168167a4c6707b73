using Wherry.Errors;
using Wherry.Wire.Frames;

namespace Wherry.Rpc.Client;

/// <summary>The server's own verdict on a call, word for word.</summary>
public sealed class RemoteCallException : WherryException
{
    public RemoteCallException(in RemoteError error)
        : base(error.Code, error.Domain, error.Message ?? ErrorTexts.Compose(error.Code, detail: null), error.Str2, inner: null)
    {
        Level = error.Level;
        Errno = error.Int1;
    }
}
