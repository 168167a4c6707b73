using System.Buffers.Binary;
using Wherry.Testing;
using Wherry.Wire.Frames;

namespace Wherry.Rpc.Tests;

/// <summary>
/// Random and nearly right bytes against a server, seed by seed. Whatever comes: no unexpected failure, nothing but valid frames back,
/// the connection either lives or is closed, and a witness on another connection notices nothing.
/// </summary>
public class FrameFuzzTests
{
    private const int Seeds = 400;

    [Fact]
    public async Task Random_frames_harm_nobody_else()
    {
        await using var server = new TestServer();
        await using var witness = server.Connect();
        for (var seed = 0; seed < Seeds; seed++)
        {
            try
            {
                await RunSeedAsync(server, new Random(seed)).Within();
                await witness.ExpectAliveAsync();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"seed={seed}", e);
            }
        }

        // 1022 is an exception that nobody expected; the program's own Crash and Mute are not called here.
        Assert.DoesNotContain(server.Logger.Lines, line => line.Id is 1005 or 1012 or 1022);
        await server.Logger.WaitForAsync(1002, count: Seeds);
        Assert.Single(server.Server.Sessions);
    }

    private static async Task RunSeedAsync(TestServer server, Random random)
    {
        var stream = server.Listener.Connect();
        await using var client = new RawClient(stream);
        var receiving = ReceiveAllAsync(client);
        try
        {
            for (var i = random.Next(1, 20); i > 0; i--) await client.SendAsync(Next(random));
        }
        catch (IOException)
        {
            // Closed for what came before.
        }
        catch (InvalidOperationException)
        {
            // The same, as a pipe in memory says it.
        }

        await stream.EndWritingAsync();
        await receiving;
    }

    private static async Task ReceiveAllAsync(RawClient client)
    {
        while (await client.ReceiveAsync() is { } frame)
        {
            Assert.True(frame.Header.Type is MessageType.Reply or MessageType.Message, $"{frame.Header}");
            if (frame.Header.Status == MessageStatus.Error) RawClient.Decode<RemoteError>(frame.Payload);
        }
    }

    private static byte[] Next(Random random)
    {
        var payload = new byte[random.Next(5) switch { 0 => 0, < 4 => 4, _ => random.Next(200) }];
        random.NextBytes(payload);
        var header = new MessageHeader(
            random.Next(4) == 0 ? (uint)random.Next() : TestProgram.Number,
            random.Next(8) == 0 ? (uint)random.Next() : TestProgram.Version,
            Procedure(random),
            (MessageType)(random.Next(6) == 0 ? random.Next(-1, 9) : 0),
            (uint)random.Next(),
            (MessageStatus)(random.Next(10) == 0 ? random.Next(-1, 4) : 0));
        var frame = random.Next(8) == 0 ? RawClient.Ping() : RawClient.Frame(header, payload);
        if (random.Next(12) == 0) BinaryPrimitives.WriteInt32BigEndian(frame, random.Next(4) == 0 ? random.Next(int.MinValue, int.MaxValue) : random.Next(0, 300));
        if (random.Next(12) == 0) random.NextBytes(frame.AsSpan(random.Next(frame.Length)));
        return random.Next(20) == 0 ? frame[..random.Next(frame.Length)] : frame;
    }

    private static int Procedure(Random random) => random.Next(8) switch
    {
        0 => random.Next(int.MinValue, int.MaxValue),
        1 => TestProgram.Fail,
        2 => TestProgram.Change,
        3 => TestProgram.StartKeepAlive,
        4 => TestProgram.Urgent,
        _ => TestProgram.Echo,
    };
}
