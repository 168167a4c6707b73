using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Wherry.Errors;

namespace Wherry.Rpc.Transports.Ssh;

/// <summary>
/// A program's standard input and output as one stream. What it says on standard error becomes the reason when the stream ends. Disposing ends
/// the program.
/// </summary>
internal sealed class CommandStream : Stream
{
    /// <summary>Of standard error, the end counts: warnings come before what ends the program.</summary>
    private const int MaxComplaint = 2048;

    /// <summary>For the last words of a program whose output has ended. A helper that it left behind may hold standard error for ever.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    private readonly Process _process;
    private readonly Stream _input;
    private readonly Stream _output;
    private readonly Task<string> _complaint;

    private CommandStream(Process process)
    {
        _process = process;
        _input = process.StandardInput.BaseStream;
        _output = process.StandardOutput.BaseStream;
        _complaint = ReadComplaintAsync(process.StandardError.BaseStream);
    }

    /// <param name="program">A name that is looked for in PATH, or a path.</param>
    /// <param name="arguments">Without argument zero.</param>
    /// <param name="place">What it is to reach, for the error.</param>
    /// <exception cref="WherryException">SYSTEM_ERROR: it cannot be run.</exception>
    public static CommandStream Start(string program, IEnumerable<string> arguments, string place)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return new CommandStream(Process.Start(start)!);
        }
        catch (Win32Exception e)
        {
            throw WherryException.FromErrno(e.NativeErrorCode, $"Cannot run '{program}' to reach '{place}'", ErrorDomain.Rpc);
        }
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

    /// <exception cref="IOException">The program ended with a complaint, which is the exception's text.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = await _output.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (count == 0 && buffer.Length > 0 && await ComplaintAsync(cancellationToken).ConfigureAwait(false) is { Length: > 0 } complaint)
            throw new IOException(Lost("recv", complaint));
        return count;
    }

    /// <exception cref="IOException">The program has ended; the exception's text has its complaint.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await _input.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException(Lost("send", await ComplaintAsync(cancellationToken).ConfigureAwait(false) is { Length: > 0 } complaint ? complaint : e.Message), e);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => _input.FlushAsync(cancellationToken);

    public override void Flush() => throw new NotSupportedException("only asynchronously");

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("only asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("only asynchronously");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        _process.Kill(); // does nothing to one that has ended
        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose(); // with its three pipes
        await _complaint.ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>In libvirt's words, as its own client has them for a program that ended.</summary>
    private static string Lost(string direction, string complaint) => $"Cannot {direction} data: {complaint}: Connection reset by peer";

    private async Task<string> ComplaintAsync(CancellationToken ct)
    {
        try
        {
            return await _complaint.WaitAsync(LastWords, ct).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            return "";
        }
    }

    private static async Task<string> ReadComplaintAsync(Stream error)
    {
        var kept = new MemoryStream();
        var buffer = new byte[MaxComplaint];
        try
        {
            while (await error.ReadAsync(buffer).ConfigureAwait(false) is var count and > 0)
            {
                kept.Write(buffer, 0, count);
                if (kept.Length <= 2 * MaxComplaint) continue;
                var end = kept.ToArray().AsMemory(^MaxComplaint..);
                kept.SetLength(0);
                kept.Write(end.Span);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // It was ended by us, and nobody asks for its words.
        }

        return string.Join("; ", Encoding.UTF8.GetString(kept.ToArray()).Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
    }
}
