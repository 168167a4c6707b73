using Wherry.Errors;
using Wherry.Rpc.Frames;
using Wherry.Wire.Frames;

namespace Wherry.Rpc.Client;

/// <summary>
/// Bytes to the server over the stream that a call has opened; what comes the other way is dropped. Used by one sender at a time.
/// <code>
///   STREAM/CONTINUE, bytes ----&gt;   any number, each written before the next is taken
///   STREAM/OK -----------------&gt;   finish;  &lt;---- STREAM/OK when the server has taken all, or STREAM/ERROR
///   STREAM/ERROR --------------&gt;   abort;   &lt;---- STREAM/OK
/// </code>
/// </summary>
public sealed class ClientStream
{
    private readonly MessageHeader _call;
    private readonly ClientConnection _connection;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ClientStream(in MessageHeader call, ClientConnection connection)
    {
        _call = call;
        _connection = connection;
    }

    /// <summary>The longest packet that every server takes.</summary>
    public static int MaxPacketBytes => FrameLimits.StreamPayload;

    /// <summary>Sends at most <see cref="MaxPacketBytes"/> and returns when they are on the wire.</summary>
    /// <exception cref="RemoteCallException">The server has ended the stream, and this is why.</exception>
    /// <exception cref="ConnectionLostException">The connection has ended.</exception>
    public async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes.Length, MaxPacketBytes);
        if (bytes.IsEmpty) return; // An empty packet would say that no more will come.
        var written = _connection.WriteAsync(OutgoingFrame.StreamPacket(_call, bytes.Span), ct);
        await (await Task.WhenAny(written, _ended.Task).WaitAsync(ct).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Says that all was sent, and waits until the server has taken it.</summary>
    /// <exception cref="RemoteCallException">The server could not take it.</exception>
    /// <exception cref="ConnectionLostException">The connection has ended, and nobody knows what was taken.</exception>
    public async Task FinishAsync(CancellationToken ct)
    {
        await _connection.WriteAsync(OutgoingFrame.StreamConfirmation(_call), ct).ConfigureAwait(false);
        await _ended.Task.WaitAsync(ct).ConfigureAwait(false);
    }

    /// <summary>Says that no more will come although not all was sent. The server's answer is not waited for.</summary>
    public async Task AbortAsync(string why, CancellationToken ct)
    {
        try
        {
            await _connection.WriteAsync(OutgoingFrame.StreamError(_call, new WherryException(ErrorCode.Rpc, why, ErrorDomain.Streams)), ct).ConfigureAwait(false);
        }
        catch (ConnectionLostException)
        {
            // Then the server has noticed.
        }
    }

    internal void Confirmed() => _ended.TrySetResult();

    internal void Failed(Exception why)
    {
        if (_ended.TrySetException(why)) _ = _ended.Task.Exception; // Observed: perhaps nobody sends any more.
    }
}
