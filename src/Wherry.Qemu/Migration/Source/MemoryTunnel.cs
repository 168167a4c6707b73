using System.Net.Sockets;

namespace Wherry.Qemu.Migration.Source;

/// <summary>
/// The way of the memory in a tunnelled migration: QEMU sends it to a socket of ours, and it goes on over the daemons' connection.
/// <code>
///   QEMU -- migrate unix:PATH --&gt; accept --&gt; one packet at a time --&gt; stream of Prepare --&gt; destination daemon --&gt; its QEMU
/// </code>
/// The destination's slowness reaches QEMU as a full socket. When either side breaks, so does the other.
/// </summary>
internal sealed class MemoryTunnel : IAsyncDisposable
{
    private readonly string _path;
    private readonly Socket _listener;
    private readonly IMigrationTunnel _stream;
    private readonly CancellationTokenSource _ending = new();

    private MemoryTunnel(string path, Socket listener, IMigrationTunnel stream)
    {
        _path = path;
        _listener = listener;
        _stream = stream;
        Completion = RunAsync();
    }

    /// <summary>Completes when the destination has taken all that QEMU sent; fails when it has not.</summary>
    public Task Completion { get; }

    /// <param name="path">Of the socket, which only we and our QEMU may use.</param>
    /// <param name="stream">To the destination.</param>
    public static MemoryTunnel Listen(string path, IMigrationTunnel stream) => new(path, TunnelSocket.Listen(path), stream);

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await Completion.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task RunAsync()
    {
        await Task.Yield();
        try
        {
            using var qemu = await _listener.AcceptAsync(_ending.Token);
            var buffer = new byte[_stream.MaxPacketBytes];
            while (await qemu.ReceiveAsync(buffer, _ending.Token) is var count and > 0)
                await _stream.SendAsync(buffer.AsMemory(0, count), _ending.Token);

            await _stream.FinishAsync(_ending.Token);
        }
        catch (Exception e)
        {
            await _stream.AbortAsync($"the memory stream broke at the source: {e.Message}", CancellationToken.None);
            throw;
        }
        finally
        {
            _listener.Dispose();
            File.Delete(_path);
        }
    }
}
