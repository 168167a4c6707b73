using System.Net.Sockets;
using System.Text;

namespace Wherry.Daemon.Hosting;

/// <summary>Tells systemd (or a test) where the daemon is in its life; sd_notify(3). Silent without <c>NOTIFY_SOCKET</c>.</summary>
internal sealed class SystemdNotifier(string? socketPath)
{
    public void Ready(string status) => Send($"READY=1\nSTATUS={status}\nMAINPID={Environment.ProcessId}\n");

    public void Stopping() => Send("STOPPING=1\n");

    private void Send(string state)
    {
        if (string.IsNullOrEmpty(socketPath))
            return;
        // A leading @ stands for the abstract name space, whose names begin with a zero byte.
        var path = socketPath[0] == '@' ? '\0' + socketPath[1..] : socketPath;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException)
        {
            // Whoever wanted to know has gone.
        }
    }
}
