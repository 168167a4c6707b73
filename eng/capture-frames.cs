#!/usr/bin/env dotnet
#:project ../src/Wherry.Wire/Wherry.Wire.csproj
#:property PublishAot=false

// Records what a libvirt client and a libvirtd say to each other, one file per kind of frame, for tests/data/frames:
//
//   virsh -c 'qemu+unix:///system?socket=PROXY'  ->  PROXY (this)  ->  DAEMON
//                                                       |
//                                                       +-> OUT/remote.DomainGetState.call.hex, ... .reply.hex
//
//   dotnet run eng/capture-frames.cs -- PROXY DAEMON OUT        until Ctrl-C
//
// A kind that has a file is not recorded again, and a frame over 16 KiB is left out: capabilities would tell which machine it was.

using System.Net.Sockets;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;
using Wherry.Wire.QemuProgram;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

const int LargestRecorded = 16 * 1024;

if (args is not [var proxyPath, var daemonPath, var outDirectory])
{
    Console.Error.WriteLine("usage: dotnet run eng/capture-frames.cs -- PROXY-SOCKET DAEMON-SOCKET OUT-DIRECTORY");
    return 2;
}

Directory.CreateDirectory(outDirectory);
File.Delete(proxyPath);
using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
listener.Bind(new UnixDomainSocketEndPoint(proxyPath));
listener.Listen();
Console.WriteLine($"listening on {proxyPath}");

var connections = new List<Task>();
while (true)
    connections.Add(RelayAsync(await listener.AcceptAsync()));

async Task RelayAsync(Socket client)
{
    using var daemon = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    await daemon.ConnectAsync(new UnixDomainSocketEndPoint(daemonPath));
    using var up = new NetworkStream(client, ownsSocket: true);
    using var down = new NetworkStream(daemon);
    // Either side closing ends both.
    await Task.WhenAny(PumpAsync(up, down), PumpAsync(down, up));
}

async Task PumpAsync(NetworkStream from, NetworkStream to)
{
    try
    {
        var length = new byte[FrameLimits.LengthSize];
        while (true)
        {
            await from.ReadExactlyAsync(length);
            var frame = new byte[new XdrReader(length).ReadUInt()];
            length.CopyTo(frame, 0);
            await from.ReadExactlyAsync(frame.AsMemory(length.Length));
            Record(frame);
            await to.WriteAsync(frame);
        }
    }
    catch (IOException)
    {
        // The connection ended.
    }
}

void Record(byte[] frame)
{
    var reader = new XdrReader(frame.AsSpan(FrameLimits.LengthSize));
    var header = MessageHeader.Decode(ref reader);
    var (program, name) = header.Program switch
    {
        RemoteProcedure.Program => ("remote", RemoteProcedure.NameOf(header.Procedure)),
        QemuProcedure.Program => ("qemu", QemuProcedure.NameOf(header.Procedure)),
        KeepAliveProcedure.Program => ("keepalive", KeepAliveProcedure.NameOf(header.Procedure)),
        _ => (header.Program.ToString("x8"), header.Procedure.ToString()),
    };
    var kind = header.Status == MessageStatus.Error ? "error" : header.Type.ToString().ToLowerInvariant();
    var path = Path.Combine(outDirectory, $"{program}.{name}.{kind}.hex");
    if (frame.Length > LargestRecorded || File.Exists(path))
        return;
    File.WriteAllLines(path, frame.Chunk(32).Select(Convert.ToHexStringLower));
}
