using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Wherry.Errors;

namespace Wherry.Rpc.Transports.Ssh;

/// <summary>
/// A program's standard input and output as one stream. What it says on standard error becomes the reason when the stream ends. Disposing ends
/// the program.
/// </summary>
internal sealed partial class CommandStream : Stream
{
    /// <summary>Of standard error, the end counts: warnings come before what ends the program.</summary>
    private const int MaxComplaint = 2048;

    /// <summary>For the last words of a program whose output has ended. A helper that it left behind may hold standard error for ever.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    /// <summary>For a program that was asked to end, and then for the kernel to end it.</summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(1);

    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly Stream _input;
    private readonly Stream _output;
    private readonly Stream _error;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task<string> _complaint;

    private CommandStream(Process process)
    {
        _process = process;
        _input = process.StandardInput.BaseStream;
        _output = process.StandardOutput.BaseStream;
        _error = process.StandardError.BaseStream;
        _complaint = ReadComplaintAsync(_error, _ending.Token);
    }

    /// <param name="program">A name that is looked for in PATH and nowhere else, or a path.</param>
    /// <param name="arguments">Without argument zero.</param>
    /// <param name="place">What it is to reach, for the error.</param>
    /// <exception cref="WherryException">SYSTEM_ERROR: it cannot be run.</exception>
    public static CommandStream Start(string program, IEnumerable<string> arguments, string place)
    {
        var start = new ProcessStartInfo(Find(program) ?? throw CannotRun(program, place, Errno.NoEntry), arguments)
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
            throw CannotRun(program, place, e.NativeErrorCode);
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
            throw new IOException(Ended(complaint));
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
            var complaint = await ComplaintAsync(cancellationToken).ConfigureAwait(false);
            throw new IOException($"Cannot write data: {(complaint.Length > 0 ? $"{complaint}: " : "")}{e.Message}", e);
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

    /// <summary>
    /// SIGTERM lets ssh end the helpers that it has started, and SIGKILL needs nobody's consent. What it leaves
    /// behind may hold its outputs for ever, so nobody waits for their ends.
    /// </summary>
    public override async ValueTask DisposeAsync()
    {
        await _input.DisposeAsync().ConfigureAwait(false);
        if (!_process.HasExited)
        {
            _ = kill(_process.Id, SigTerm); // it was there just now, and its number is not given again so soon
            if (!await EndsAsync().ConfigureAwait(false)) await KillAsync().ConfigureAwait(false);
        }

        await _ending.CancelAsync().ConfigureAwait(false);
        await _complaint.ConfigureAwait(false);
        await _output.DisposeAsync().ConfigureAwait(false);
        await _error.DisposeAsync().ConfigureAwait(false);
        _process.Dispose();
        _ending.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private async Task KillAsync()
    {
        try
        {
            _process.Kill();
        }
        catch (Win32Exception)
        {
            return; // of another user, such as sudo's
        }

        await EndsAsync().ConfigureAwait(false);
    }

    private async Task<bool> EndsAsync()
    {
        using var limit = new CancellationTokenSource(EndLimit);
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>As a shell finds it. .NET would look in its own and in the current directory first, where anybody may have put an "ssh".</summary>
    private static string? Find(string program)
    {
        if (program.Contains('/', StringComparison.Ordinal)) return IsExecutable(program) ? Path.GetFullPath(program) : null;
        foreach (var directory in (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin").Split(':'))
        {
            if (Path.IsPathRooted(directory) && Path.Combine(directory, program) is var path && IsExecutable(path)) return path;
        }

        return null;
    }

    private static bool IsExecutable(string path) =>
        File.Exists(path) && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;

    private static WherryException CannotRun(string program, string place, int errno) =>
        WherryException.FromErrno(errno, $"Cannot run '{program}' to reach '{place}'", ErrorDomain.Rpc);

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signal);

    /// <summary>What libvirt's own client says of a program that ended.</summary>
    private static string Ended(string complaint) => $"End of file while reading data: {complaint}: Input/output error";

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

    private static async Task<string> ReadComplaintAsync(Stream error, CancellationToken ct)
    {
        var kept = new MemoryStream();
        var buffer = new byte[MaxComplaint];
        try
        {
            while (await error.ReadAsync(buffer, ct).ConfigureAwait(false) is var count and > 0)
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
