using System.Net.Sockets;
using Wherry.Daemon.Configuration;
using Wherry.Errors;

namespace Wherry.Daemon.Hosting;

/// <summary>An opened <see cref="LogOutput"/>. What cannot be written is lost: neither a full disk nor a dead syslog may stop the daemon.</summary>
internal abstract class LogSink(LogOutput output) : IDisposable
{
    public LogOutput Output { get; } = output;

    /// <exception cref="WherryException">SYSTEM_ERROR: the file cannot be opened.</exception>
    public static LogSink Open(LogOutput output) => output.Destination switch
    {
        LogDestination.Stderr => new StreamSink(output, Console.OpenStandardError()),
        LogDestination.File => new StreamSink(output, OpenFile(output.Name!)), // parsed with a path
        LogDestination.Syslog => new DatagramSink(output, "/dev/log", line => line.ForSyslog(output.Name!, Environment.ProcessId)),
        _ => new DatagramSink(output, "/run/systemd/journal/socket", line => line.ForJournal()),
    };

    public void Write(in LogLine line)
    {
        if (line.Level >= Output.Level) WriteAlways(line);
    }

    public abstract void Dispose();

    protected abstract void WriteAlways(in LogLine line);

    private static FileStream OpenFile(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        }
        catch (DirectoryNotFoundException)
        {
            const int noEntry = 2;
            throw WherryException.FromErrno(noEntry, $"failed to open {path}", ErrorDomain.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, $"failed to open {path}: {e.Message}", ErrorDomain.None, e);
        }
    }

    private sealed class StreamSink(LogOutput output, Stream stream) : LogSink(output)
    {
        public override void Dispose() => stream.Dispose();

        protected override void WriteAlways(in LogLine line)
        {
            try
            {
                stream.Write(line.ForFile());
                stream.Flush();
            }
            catch (IOException)
            {
                // Lost, as the class says.
            }
        }
    }

    private sealed class DatagramSink(LogOutput output, string path, Func<LogLine, byte[]> form) : LogSink(output)
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };

        public override void Dispose() => _socket.Dispose();

        protected override void WriteAlways(in LogLine line)
        {
            try
            {
                _socket.SendTo(form(line), new UnixDomainSocketEndPoint(path));
            }
            catch (SocketException)
            {
                // Nobody listens, its queue is full, or the line is longer than it takes.
            }
        }
    }
}
