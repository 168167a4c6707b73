using System.Collections.Concurrent;
using System.Threading.Channels;
using Wherry.Errors;
using Wherry.Testing;
using Wherry.Wire.Xdr;

namespace Wherry.Rpc.Tests;

/// <summary>A program whose calls a test holds in its hand.</summary>
internal sealed class TestProgram : IRpcProgram
{
    public const uint Number = 0x7e57;
    public const uint Version = 1;

    /// <summary>Answers its argument.</summary>
    public const int Echo = 1;

    /// <summary>Answers its argument when <see cref="Release"/> is called with it.</summary>
    public const int Wait = 2;

    /// <summary>Fails as a domain that does not exist.</summary>
    public const int Fail = 3;

    /// <summary>Fails as our own mistake.</summary>
    public const int Crash = 4;

    /// <summary>Sends as many events as its argument says, then answers.</summary>
    public const int Emit = 5;

    /// <summary>As <see cref="Echo"/>, and changes something.</summary>
    public const int Change = 6;

    /// <summary>As <see cref="Echo"/>, and must not wait for others.</summary>
    public const int Urgent = 7;

    /// <summary>As <see cref="Echo"/>, and may come before authentication.</summary>
    public const int Greet = 8;

    /// <summary>Forgets to answer.</summary>
    public const int Mute = 9;

    /// <summary>Takes and returns nothing, and asks for the session to be closed.</summary>
    public const int Close = 10;

    /// <summary>Starts keepalive on the server's side.</summary>
    public const int StartKeepAlive = 11;

    /// <summary>Answers as many bytes as its argument says.</summary>
    public const int Bulk = 12;

    /// <summary>Opens a stream to the next of <see cref="Data"/>, then answers its argument.</summary>
    public const int Open = 13;

    /// <summary>Fails because the host's disk is full.</summary>
    public const int Overflow = 14;

    public const int Event = 100;

    private readonly ConcurrentDictionary<int, TaskCompletionSource> _gates = [];
    private readonly Channel<int> _begun = Channel.CreateUnbounded<int>();

    uint IRpcProgram.Number => Number;

    uint IRpcProgram.Version => Version;

    /// <summary>The arguments of the calls of <see cref="Wait"/> that have begun.</summary>
    public ChannelReader<int> Begun => _begun.Reader;

    public ConcurrentQueue<ServerSession> Sessions { get; } = [];

    public ConcurrentQueue<Stream> Data { get; } = [];

    /// <summary>Those that were opened. The argument of a stream's call comes out of <see cref="Begun"/> when it has ended.</summary>
    public ConcurrentQueue<ServerStream> Streams { get; } = [];

    /// <summary>Waits until calls of <see cref="Wait"/> with these arguments, in whatever order, have begun.</summary>
    public async Task ExpectBegunAsync(params int[] expected)
    {
        var begun = new List<int>();
        while (begun.Count < expected.Length) begun.Add(await Begun.ReadAsync().AsTask().Within());
        Assert.Equal(expected, begun.Order());
    }

    public void Release(int key) => Gate(key).TrySetResult();

    public ProcedureTraits? Find(int procedure) => procedure switch
    {
        Change => new ProcedureTraits(AllowReadOnly: false, Priority: false, ApiName: "virDomainChange"),
        Urgent => new ProcedureTraits(AllowReadOnly: true, Priority: true),
        Greet => new ProcedureTraits(AllowReadOnly: true, Priority: false, BeforeAuth: true),
        >= Echo and <= Overflow => new ProcedureTraits(AllowReadOnly: true, Priority: false),
        _ => null,
    };

    public async ValueTask InvokeAsync(int procedure, ServerCall call, CancellationToken ct)
    {
        if (!Sessions.Contains(call.Session)) Sessions.Enqueue(call.Session);
        if (procedure is Close or StartKeepAlive)
        {
            call.ReadNoArgs();
            if (procedure == Close) call.Session.CloseAfterReplies("the client asked for it");
            else call.Session.StartKeepAlive();
            call.ReplyEmpty();
            return;
        }

        var number = call.ReadArgs<TestNumber>();
        switch (procedure)
        {
            case Wait:
                _begun.Writer.TryWrite(number.Value);
                await Gate(number.Value).Task.WaitAsync(ct);
                break;
            case Fail:
                throw new WherryException(ErrorCode.NoDomain, $"no domain with matching name '{number.Value}'");
            case Crash:
                throw new InvalidOperationException("a secret of ours");
            case Overflow:
                throw new IOException("No space left on device : 'web1.xml'");
            case Emit:
                for (var i = 0; i < number.Value; i++) call.Session.SendEvent(Number, Version, Event, new TestNumber(i));
                break;
            case Mute:
                return;
            case Open when Data.TryDequeue(out var data):
                Streams.Enqueue(call.OpenStream(data, () => _begun.Writer.TryWrite(number.Value)));
                break;
            case Bulk:
                call.Reply(new TestBytes(number.Value));
                return;
        }

        call.Reply(number);
    }

    private TaskCompletionSource Gate(int key) =>
        _gates.GetOrAdd(key, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
}

internal readonly record struct TestNumber(int Value) : IXdr<TestNumber>
{
    public static TestNumber Decode(ref XdrReader reader) => new(reader.ReadInt());

    public void Encode(XdrWriter writer) => writer.WriteInt(Value);
}

/// <summary>So many zero bytes, without a length.</summary>
internal readonly record struct TestBytes(int Count) : IXdr<TestBytes>
{
    public static TestBytes Decode(ref XdrReader reader)
    {
        var count = reader.Remaining;
        reader.ReadFixedOpaque(count);
        return new TestBytes(count);
    }

    public void Encode(XdrWriter writer) => writer.WriteFixedOpaque(new byte[Count]);
}
