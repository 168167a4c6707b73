using System.Runtime.InteropServices;
using System.Text.Json;

namespace Wherry.Qmp;

/// <summary>A command on its way: waiting for its lane, sent, answered, or abandoned by its caller.</summary>
internal sealed class MonitorRequest(string id, string commandName, ReadOnlyMemory<byte> line, SafeHandle? descriptor)
{
    private const int Queued = 0;
    private const int Sent = 1;
    private const int AbandonedUnsent = 2;
    private const int AbandonedSent = 3;

    private readonly TaskCompletionSource<QmpReply<JsonElement>> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _givenUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state = Queued;

    public string Id { get; } = id;

    public string CommandName { get; } = commandName;

    /// <summary>The JSON text with its line feed.</summary>
    public ReadOnlyMemory<byte> Line { get; } = line;

    /// <summary>A file descriptor that travels with the line (getfd, add-fd).</summary>
    public SafeHandle? Descriptor { get; } = descriptor;

    /// <summary>The whole reply message, an error reply included. Fails only with <see cref="MonitorClosedException"/>.</summary>
    public Task<QmpReply<JsonElement>> Reply => _reply.Task;

    /// <summary>Changes nothing, so that it does not matter when QEMU gets to it.</summary>
    public bool IsQuestion { get; } = commandName.StartsWith("query-", StringComparison.Ordinal);

    /// <summary>Completes when its caller leaves without an answer.</summary>
    public Task GivenUp => _givenUp.Task;

    public bool IsAbandoned => Volatile.Read(ref _state) is AbandonedUnsent or AbandonedSent;

    /// <summary>Its caller has left, and QEMU has it: an answer will come, or the end of the connection.</summary>
    public bool IsOwed => Volatile.Read(ref _state) == AbandonedSent && !Reply.IsCompleted;

    /// <summary>QEMU has it, and its caller may still wait.</summary>
    public bool IsUnanswered => Volatile.Read(ref _state) is Sent or AbandonedSent && !Reply.IsCompleted;

    /// <summary>False when the caller gave up before: then the line must not be sent.</summary>
    public bool TryMarkSent() => Interlocked.CompareExchange(ref _state, Sent, Queued) == Queued;

    /// <summary>The caller waits no longer. Returns whether the line had been sent, so that QEMU may act on it.</summary>
    public bool Abandon()
    {
        var wasSent = Interlocked.CompareExchange(ref _state, AbandonedUnsent, Queued) != Queued;
        Interlocked.CompareExchange(ref _state, AbandonedSent, Sent);
        _givenUp.TrySetResult();
        return wasSent;
    }

    public void Complete(JsonElement message, long sequence) => _reply.TrySetResult(new(message, sequence));

    public void Fail(MonitorClosedException cause)
    {
        _reply.TrySetException(cause);
        _ = _reply.Task.Exception; // Observed here: the caller may have left.
    }
}
