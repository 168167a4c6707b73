using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Wherry.Daemon.Hosting;

/// <summary>One thing that is logged, in the forms that the outputs want.</summary>
/// <param name="Thread">The system's number of the thread that logged it.</param>
/// <param name="Event">What happened, and its number: in libvirt's lines the function and the line stand here.</param>
internal readonly record struct LogLine(DateTimeOffset Time, int Thread, LogLevel Level, string Category, string Event, int EventId, string Message)
{
    /// <summary>
    /// libvirt's form, which log collectors have patterns for (S2.27):
    /// <c>2023-01-05 05:07:36.721+0000: 114785: info : ClientConnected:1001 : message</c>.
    /// </summary>
    public byte[] ForFile()
    {
        var time = Time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture); // 2023-01-05T05:07:36.7213456Z
        return Encoding.UTF8.GetBytes($"{time.AsSpan(0, 10)} {time.AsSpan(11, 12)}+0000: {Text()}\n");
    }

    /// <summary>RFC 3164, as syslog(3) sends it to /dev/log: facility daemon, which is 3.</summary>
    public byte[] ForSyslog(string identity, int pid) => Encoding.UTF8.GetBytes(
        $"<{(3 * 8) + Severity}>{Time.LocalDateTime.ToString("MMM", CultureInfo.InvariantCulture)} {Time.LocalDateTime.Day,2} "
        + $"{Time.LocalDateTime.ToString("HH:mm:ss", CultureInfo.InvariantCulture)} {identity}[{pid}]: {Text()}");

    /// <summary>The journal's native protocol: a field a line, and a length before what may hold line ends.</summary>
    public byte[] ForJournal()
    {
        var fields = new MemoryStream();
        Write("PRIORITY", Severity.ToString(CultureInfo.InvariantCulture));
        Write("SYSLOG_FACILITY", "3");
        Write("SYSLOG_IDENTIFIER", "wherryd");
        Write("LIBVIRT_SOURCE", Category);
        Write("CODE_FUNC", Event);
        Write("WHERRY_EVENT_ID", EventId.ToString(CultureInfo.InvariantCulture));
        Write("TID", Thread.ToString(CultureInfo.InvariantCulture));
        Write("MESSAGE", Message);
        return fields.ToArray();

        void Write(string name, string value)
        {
            var bytes = Encoding.UTF8.GetBytes(value);
            fields.Write(Encoding.ASCII.GetBytes(name));
            fields.WriteByte((byte)'\n');
            Span<byte> length = stackalloc byte[8];
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)bytes.Length);
            fields.Write(length);
            fields.Write(bytes);
            fields.WriteByte((byte)'\n');
        }
    }

    /// <summary>syslog's: debug 7, info 6, warning 4, error 3.</summary>
    private int Severity => Level switch
    {
        LogLevel.Trace or LogLevel.Debug => 7,
        LogLevel.Information => 6,
        LogLevel.Warning => 4,
        _ => 3,
    };

    private string Text() => $"{Thread}: {Word} : {Event}:{EventId} : {Message}";

    private string Word => Level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        _ => "error",
    };
}
