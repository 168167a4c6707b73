using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Wherry.Testing;

/// <summary>
/// An NBD server for one client and one test, whose disk is memory and which holds back every "write zeroes" until <see cref="Release"/>.
/// Of the handshake it knows only NBD_OPT_GO. Source: the NBD protocol's specification (proto.md).
/// </summary>
public sealed class FakeNbdServer : IAsyncDisposable
{
    private const ushort HasFlags = 1, SendFlush = 1 << 2, SendTrim = 1 << 5, SendWriteZeroes = 1 << 6;
    private const uint OptionGo = 7, Acknowledged = 1, Information = 3, Unsupported = 0x80000001;
    private const ushort Read = 0, Write = 1, Disconnect = 2, WriteZeroes = 6;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Task _serving;
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _zeroesAsked;
    private int _writes;

    public FakeNbdServer(int bytes, byte filledWith)
    {
        Disk = new byte[bytes];
        Disk.AsSpan().Fill(filledWith);
        _listener.Start();
        _serving = ServeAsync(_ending.Token);
    }

    public byte[] Disk { get; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Requests to write zeroes that have come; they are answered after <see cref="ReleaseFirst"/> and <see cref="Release"/>.</summary>
    public int ZeroesAsked => Volatile.Read(ref _zeroesAsked);

    /// <summary>Requests to write data that have been carried out.</summary>
    public int Writes => Volatile.Read(ref _writes);

    /// <summary>Carries out the first request to write zeroes.</summary>
    public void ReleaseFirst() => _first.TrySetResult();

    /// <summary>Carries out all that are held back, and from now on each at once.</summary>
    public void Release()
    {
        _first.TrySetResult();
        _released.TrySetResult();
    }

    public async ValueTask DisposeAsync()
    {
        Release();
        await _ending.CancelAsync();
        _listener.Dispose();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
        _sending.Dispose();
    }

    private async Task ServeAsync(CancellationToken ct)
    {
        using var client = await _listener.AcceptTcpClientAsync(ct);
        await using var stream = client.GetStream();
        await ShakeHandsAsync(stream, ct);
        var held = new List<Task>();
        var header = new byte[28];
        while (true)
        {
            await stream.ReadExactlyAsync(header, ct);
            var type = BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(6));
            var handle = header[8..16];
            var offset = (int)BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(16));
            var length = (int)BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(24));
            switch (type)
            {
                case Disconnect:
                    await Task.WhenAll(held);
                    return;
                case Read:
                    await ReplyAsync(stream, handle, Disk.AsMemory(offset, length), ct);
                    break;
                case Write:
                    await stream.ReadExactlyAsync(Disk.AsMemory(offset, length), ct);
                    Interlocked.Increment(ref _writes);
                    await ReplyAsync(stream, handle, default, ct);
                    break;
                case WriteZeroes:
                    held.Add(ZeroAsync(stream, handle, offset, length, Interlocked.Increment(ref _zeroesAsked) == 1 ? _first.Task : _released.Task, ct));
                    break;
                default:
                    await ReplyAsync(stream, handle, default, ct);
                    break;
            }
        }
    }

    private async Task ShakeHandsAsync(Stream stream, CancellationToken ct)
    {
        await stream.WriteAsync("NBDMAGICIHAVEOPT\0\u0003"u8.ToArray(), ct); // fixed newstyle, no zeroes
        await stream.ReadExactlyAsync(new byte[4], ct);
        var option = new byte[16];
        while (true)
        {
            await stream.ReadExactlyAsync(option, ct);
            var name = BinaryPrimitives.ReadUInt32BigEndian(option.AsSpan(8));
            await stream.ReadExactlyAsync(new byte[BinaryPrimitives.ReadInt32BigEndian(option.AsSpan(12))], ct);
            if (name != OptionGo)
            {
                await AnswerAsync(stream, name, Unsupported, [], ct);
                continue;
            }

            var export = new byte[12]; // NBD_INFO_EXPORT
            BinaryPrimitives.WriteUInt64BigEndian(export.AsSpan(2), (ulong)Disk.Length);
            BinaryPrimitives.WriteUInt16BigEndian(export.AsSpan(10), HasFlags | SendFlush | SendTrim | SendWriteZeroes);
            await AnswerAsync(stream, name, Information, export, ct);
            await AnswerAsync(stream, name, Acknowledged, [], ct);
            return;
        }
    }

    private static async Task AnswerAsync(Stream stream, uint option, uint type, byte[] data, CancellationToken ct)
    {
        var reply = new byte[20 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(reply, 0x3e889045565a9);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(12), type);
        BinaryPrimitives.WriteInt32BigEndian(reply.AsSpan(16), data.Length);
        data.CopyTo(reply, 20);
        await stream.WriteAsync(reply, ct);
    }

    private async Task ZeroAsync(Stream stream, byte[] handle, int offset, int length, Task released, CancellationToken ct)
    {
        await released.WaitAsync(ct);
        Disk.AsSpan(offset, length).Clear();
        await ReplyAsync(stream, handle, default, ct);
    }

    private async Task ReplyAsync(Stream stream, byte[] handle, ReadOnlyMemory<byte> data, CancellationToken ct)
    {
        var reply = new byte[16 + data.Length];
        BinaryPrimitives.WriteUInt32BigEndian(reply, 0x67446698);
        handle.CopyTo(reply, 8);
        data.CopyTo(reply.AsMemory(16));
        await _sending.WaitAsync(ct);
        try
        {
            await stream.WriteAsync(reply, ct);
        }
        finally
        {
            _sending.Release();
        }
    }
}
