using System.Buffers.Binary;
using Wherry.Wire.Admin;
using Wherry.Wire.Frames;
using Wherry.Wire.KeepAlive;
using Wherry.Wire.Peer;
using Wherry.Wire.QemuProgram;
using Wherry.Wire.Remote;
using Wherry.Wire.Tests.Codecs;
using Wherry.Wire.Xdr;

namespace Wherry.Daemon.Tests.Fuzz;

/// <summary>Frames from numbers: most are nearly right, since what is plainly wrong does not come far.</summary>
internal static class FuzzFrame
{
    private static readonly (uint Program, string Prefix, Type Table)[] Programs =
    [
        (RemoteProcedure.Program, "", typeof(RemoteProcedure)),
        (QemuProcedure.Program, "Qemu", typeof(QemuProcedure)),
        (AdminProcedure.Program, "Admin", typeof(AdminProcedure)),
        (PeerProcedure.Program, "Peer", typeof(PeerProcedure)),
    ];

    private static readonly (uint Program, int Procedure, Type? Args)[] Procedures =
    [
        .. from program in Programs
           from field in program.Table.GetFields()
           where field.FieldType == typeof(int)
           select (program.Program, (int)field.GetRawConstantValue()!, WireStructs.Find($"{program.Prefix}{field.Name}Args")),
    ];

    /// <summary>The first frame of most connections, without which a server has little to say.</summary>
    public static byte[] Open { get; } = Frame(
        new MessageHeader(RemoteProcedure.Program, 1, RemoteProcedure.ConnectOpen, MessageType.Call, 1, MessageStatus.Ok),
        WireStructs.Encode(new ConnectOpenArgs(null, 0)));

    public static byte[] Make(int seed)
    {
        var random = new Random(seed);
        if (random.Next(16) == 0) return Noise(random, random.Next(1, 80));
        if (random.Next(16) == 0) return Frame(KeepAlive(random), []);
        var (program, procedure, args) = Procedures[random.Next(Procedures.Length)];
        var payload = Payload(random, args);
        var header = new MessageHeader(
            random.Next(40) == 0 ? (uint)random.Next() : program,
            random.Next(40) == 0 ? (uint)random.Next(4) : 1,
            random.Next(40) == 0 ? random.Next(int.MinValue, int.MaxValue) : procedure,
            (MessageType)(random.Next(12) == 0 ? random.Next(-1, 8) : 0),
            (uint)random.Next(),
            (MessageStatus)(random.Next(20) == 0 ? random.Next(-1, 4) : 0));
        var frame = Frame(header, payload);
        if (random.Next(30) == 0) BinaryPrimitives.WriteInt32BigEndian(frame, Length(random, frame.Length));
        return random.Next(30) == 0 ? frame[..random.Next(frame.Length)] : frame;
    }

    private static byte[] Payload(Random random, Type? args)
    {
        if (args is null) return random.Next(4) == 0 ? Noise(random, random.Next(64)) : [];
        var payload = WireStructs.Encode(new RandomValues(random).Struct(args));
        switch (random.Next(8))
        {
            case 0 when payload.Length > 0:
                Array.Resize(ref payload, random.Next(payload.Length));
                break;
            case 1:
                payload = [.. payload, .. Noise(random, 4)];
                break;
            case 2 or 3 when payload.Length >= 4:
                // A word that may be a length, a pointer's flag, or a union's tag.
                BinaryPrimitives.WriteInt32BigEndian(payload.AsSpan(random.Next(payload.Length / 4) * 4), Length(random, payload.Length));
                break;
        }

        return payload;
    }

    private static int Length(Random random, int actual) => random.Next(5) switch
    {
        0 => int.MaxValue,
        1 => -1,
        2 => actual + random.Next(-8, 9),
        3 => random.Next(1 << 26),
        _ => 0,
    };

    private static MessageHeader KeepAlive(Random random) => new(
        KeepAliveProcedure.Program, KeepAliveProcedure.Version, random.Next(4), MessageType.Message, 0, MessageStatus.Ok);

    private static byte[] Frame(MessageHeader header, byte[] payload)
    {
        using var writer = new XdrWriter();
        writer.WriteInt(28 + payload.Length);
        header.Encode(writer);
        return [.. writer.Written.Span, .. payload];
    }

    private static byte[] Noise(Random random, int length)
    {
        var noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }
}
