namespace Wherry.Rpc.Client;

/// <summary>
/// The connection ended before the answer came: the call may or may not have been carried out. Deliberately not a
/// <see cref="Errors.WherryException"/>, which is somebody's verdict; code that treats one as the other moves guests twice.
/// </summary>
/// <param name="reason">What ended the connection: the first cause, the same for all calls that were waiting.</param>
public sealed class ConnectionLostException(string connection, string reason, Exception? inner = null)
    : Exception($"connection to {connection} lost: {reason}", inner)
{
    /// <summary>What ended the connection, without its name.</summary>
    public string Reason { get; } = reason;
}
