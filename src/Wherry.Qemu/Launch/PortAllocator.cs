using System.Net;
using System.Net.Sockets;

namespace Wherry.Qemu.Launch;

/// <summary>
/// Hands out TCP ports of one range to QEMUs that will listen on them.
/// <code>
///   free --Acquire: claim + bind test--&gt; reserved (claim held) --Dispose--&gt; free
///                     | bind fails: somebody else listens there
///                     '--&gt; next port ... --range exhausted--&gt; error
/// </code>
/// A claim is an abstract unix socket named for the port. The kernel keeps such names per network namespace, as it does ports, and frees
/// them with the process: several daemons on one host never pick the same port, and a crash leaves nothing behind.
/// </summary>
/// <param name="name">For errors, as libvirt's ranges are named: <c>VNC</c>, <c>migration</c>.</param>
public sealed class PortAllocator(string name, int first, int last)
{
    /// <summary>RAM and NBD traffic of migrations: qemu.conf's <c>migration_port_min</c> and <c>migration_port_max</c>.</summary>
    public static PortAllocator ForMigration(int first = 49152, int last = 49215) => new("migration", first, last);

    /// <summary>VNC displays: qemu.conf's <c>remote_display_port_min</c> and <c>remote_display_port_max</c>.</summary>
    public static PortAllocator ForVnc(int first = Graphics.FirstPort, int last = ushort.MaxValue) => new("VNC", first, last);

    /// <summary>The lowest free port of the range.</summary>
    /// <exception cref="WherryException">InternalError: every port is in use.</exception>
    public PortReservation Acquire()
    {
        for (var port = first; port <= last; port++)
        {
            if (TryAcquire(port) is { } reservation)
                return reservation;
        }
        throw new WherryException(ErrorCode.InternalError, $"Unable to find an unused port in range '{name}' ({first}-{last})");
    }

    /// <summary>A port that the user has chosen; it need not be in the range.</summary>
    /// <exception cref="WherryException">InternalError: it is in use.</exception>
    public static PortReservation Acquire(int port) =>
        TryAcquire(port) ?? throw new WherryException(ErrorCode.InternalError, $"Failed to reserve port {port}");

    private static PortReservation? TryAcquire(int port)
    {
        var claim = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            claim.Bind(new UnixDomainSocketEndPoint($"\0wherry/port/{port}"));
            if (IsFree(port, IPAddress.IPv6Any) && IsFree(port, IPAddress.Any))
                return new PortReservation(port, claim);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            // Another reservation of ours or of another daemon.
        }
        claim.Dispose();
        return null;
    }

    /// <summary>
    /// Whether the port can be bound now, on all addresses. .NET binds TCP with SO_REUSEADDR: connections that linger in TIME_WAIT do not count
    /// as use, a listener does.
    /// </summary>
    private static bool IsFree(int port, IPAddress any)
    {
        try
        {
            using var socket = new Socket(any.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (any.AddressFamily == AddressFamily.InterNetworkV6)
                socket.DualMode = false;
            socket.Bind(new IPEndPoint(any, port));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable)
        {
            return true; // A kernel without IPv6 has nobody listening there.
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <summary>A port that nobody else is given until this is disposed: when QEMU has ended, or the migration that used it.</summary>
public sealed class PortReservation : IDisposable
{
    private readonly Socket _claim;

    internal PortReservation(int port, Socket claim)
    {
        Port = port;
        _claim = claim;
    }

    public int Port { get; }

    public void Dispose() => _claim.Dispose();
}
