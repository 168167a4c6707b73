using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static Wherry.Qemu.Consoles.NativeTerminal;

namespace Wherry.Qemu.Consoles;

/// <summary>
/// One client's hold of a guest's serial port or console: what it writes the guest reads, and the other way round. Reading ends when QEMU
/// does. Disposing gives the device back.
/// </summary>
public sealed class ConsoleStream : Stream
{
    private readonly SafeFileHandle _terminal;
    private readonly TerminalWatcher _watcher;
    private readonly CancellationTokenSource _evicted = new();
    private Action<ConsoleStream>? _release;

    private ConsoleStream(SafeFileHandle terminal, TerminalWatcher watcher, Action<ConsoleStream> release)
    {
        _terminal = terminal;
        _watcher = watcher;
        _release = release;
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="WherryException">SystemError: the terminal is not there.</exception>
    internal static ConsoleStream Open(string path, TerminalWatcher watcher, Action<ConsoleStream> release)
    {
        var terminal = OpenTerminal(path);
        return terminal.IsInvalid
            ? throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), $"Unable to open stream for '{path}'", ErrorDomain.Streams)
            : new ConsoleStream(terminal, watcher, release);
    }

    /// <summary>Somebody else takes the device: reading and writing fail from now on.</summary>
    internal void Evict() => _evicted.Cancel();

    /// <returns>0 when QEMU has closed its end.</returns>
    /// <exception cref="IOException">The device was taken by somebody else, or failed.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            switch (NativeTerminal.Read(_terminal, buffer.Span))
            {
                case -Eagain:
                    await ReadyAsync(PollIn, cancellationToken);
                    break;
                case -Eintr:
                    break;
                case -Eio:
                    return 0; // hung up
                case var count:
                    return count >= 0 ? count : throw new IOException($"reading a console: {Marshal.GetPInvokeErrorMessage(-count)}");
            }
        }
    }

    /// <exception cref="IOException">The device was taken by somebody else, or QEMU has closed its end.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            switch (NativeTerminal.Write(_terminal, buffer.Span))
            {
                case -Eagain:
                    await ReadyAsync(PollOut, cancellationToken);
                    break;
                case -Eintr:
                    break;
                case var count:
                    buffer = count >= 0 ? buffer[count..] : throw new IOException($"writing a console: {Marshal.GetPInvokeErrorMessage(-count)}");
                    break;
            }
        }
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("a console is read asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("a console is written asynchronously");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _release, null) is { } release)
        {
            _terminal.Dispose();
            release(this);
        }
        base.Dispose(disposing);
    }

    private async Task ReadyAsync(short events, CancellationToken ct)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, _evicted.Token);
        try
        {
            await _watcher.WaitAsync(_terminal, events, either.Token);
        }
        catch (OperationCanceledException e) when (_evicted.IsCancellationRequested)
        {
            throw new IOException("the console was taken by somebody else", e);
        }
    }
}
