using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Wherry.Testbed.Hosts;
using Wherry.Wire.Frames;
using Wherry.Wire.QemuProgram;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Testbed.Judges;

/// <summary>
/// A client of any libvirt daemon that asks one thing at a time and blocks: what it measures is the daemon, not this process's thread pool,
/// and it costs no process.
/// </summary>
public sealed class PlainClient : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private uint _serial;

    public PlainClient(DaemonRunner daemon, TimeSpan? patience = null)
    {
        _socket.Connect(new UnixDomainSocketEndPoint(daemon.SocketPath));
        _socket.ReceiveTimeout = (int)(patience ?? TimeSpan.FromSeconds(20)).TotalMilliseconds;
        Call(RemoteProcedure.ConnectOpen, new ConnectOpenArgs("qemu:///system", Flags: 0));
    }

    public NonnullDomain Find(string name) =>
        Call<DomainLookupByNameArgs, DomainLookupByNameRet>(RemoteProcedure.DomainLookupByName, new DomainLookupByNameArgs(name)).Dom;

    /// <summary>Says a QMP command to a domain's QEMU; the members of what it returns.</summary>
    public JsonNode? Monitor(NonnullDomain domain, string command, string arguments = "{}")
    {
        var text = $$"""{"execute":"{{command}}","arguments":{{arguments}}}""";
        var reply = Call(QemuProcedure.Program, QemuProcedure.DomainMonitorCommand, new QemuDomainMonitorCommandArgs(domain, text, Flags: 0));
        var reader = new XdrReader(reply);
        return JsonNode.Parse(QemuDomainMonitorCommandRet.Decode(ref reader).Result)?["return"];
    }

    public TRet Call<TArgs, TRet>(int procedure, TArgs args)
        where TArgs : struct, IXdr<TArgs>
        where TRet : struct, IXdr<TRet>
    {
        var reader = new XdrReader(Call(RemoteProcedure.Program, procedure, args));
        return TRet.Decode(ref reader);
    }

    public void Call<TArgs>(int procedure, TArgs args)
        where TArgs : struct, IXdr<TArgs> => Call(RemoteProcedure.Program, procedure, args);

    /// <summary>Asks the same many times without waiting in between, and reads as many answers.</summary>
    /// <returns>How many.</returns>
    public int Flood<TArgs>(int procedure, TArgs args, int times)
        where TArgs : struct, IXdr<TArgs>
    {
        for (var call = 0; call < times; call++)
            Send(RemoteProcedure.Program, procedure, args);
        for (var answered = 0; answered < times;)
        {
            var reader = new XdrReader(Read());
            var header = MessageHeader.Decode(ref reader);
            if (header.Status == MessageStatus.Error)
                throw RemoteError.Decode(ref reader).ToException();
            answered += header.Type == MessageType.Reply ? 1 : 0;
        }

        return times;
    }

    public void Dispose() => _socket.Dispose();

    private ReadOnlySpan<byte> Call<TArgs>(uint program, int procedure, TArgs args)
        where TArgs : struct, IXdr<TArgs>
    {
        Send(program, procedure, args);
        while (true)
        {
            var frame = Read();
            var reader = new XdrReader(frame);
            var header = MessageHeader.Decode(ref reader);
            if (header.Type != MessageType.Reply || header.Serial != _serial)
                continue; // an event or a keepalive
            if (header.Status == MessageStatus.Error)
                throw RemoteError.Decode(ref reader).ToException();
            return frame.AsSpan(FrameLimits.HeaderSize);
        }
    }

    private void Send<TArgs>(uint program, int procedure, TArgs args)
        where TArgs : struct, IXdr<TArgs>
    {
        using var writer = new XdrWriter();
        writer.WriteUInt(0);
        new MessageHeader(program, 1, procedure, MessageType.Call, ++_serial, MessageStatus.Ok).Encode(writer);
        args.Encode(writer);
        writer.PatchUInt(0, (uint)writer.Length);
        for (var rest = writer.Written.Span; rest.Length > 0;)
            rest = rest[_socket.Send(rest)..];
    }

    private byte[] Read()
    {
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(Fill(new byte[FrameLimits.LengthSize])) - FrameLimits.LengthSize];
        return Fill(frame);
    }

    private byte[] Fill(byte[] buffer)
    {
        for (var filled = 0; filled < buffer.Length;)
        {
            var count = _socket.Receive(buffer.AsSpan(filled));
            filled += count > 0 ? count : throw new IOException("the daemon has closed the connection");
        }

        return buffer;
    }
}
