using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging;
using Wherry.Testing;
using Wherry.Wire.Frames;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Daemon.Tests.Fuzz;

/// <summary>
/// A whole daemon in this process, and connections that send it what nobody should: frames that are nearly right, lengths that lie, ends in
/// the middle. Whatever comes, it answers with frames or closes, another connection is served, and nothing stays behind.
/// </summary>
public sealed class SocketFuzzTests(ITestOutputHelper output)
{
    private const int WitnessEvery = 25;

    [Fact]
    public void Frames_of_any_kind_harm_nobody() => Run(cases: 3_000);

    [Fact(Explicit = true)]
    [Trait("suite", "fuzz")]
    public void A_hundred_thousand_cases_harm_nobody_and_leave_no_memory_behind() => Run(cases: 100_000);

    private void Run(int cases)
    {
        using var daemon = new FuzzedDaemon();
        using var witness = daemon.Connect("libvirt-sock");
        var done = 0;
        FuzzedDaemon.ExpectAnswer(witness);
        var sockets = Sockets();
        var settled = 0L;
        // FsCheck prints the seed of a failure, and shrinks it to the frames that are needed.
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(cases).WithQuietOnSuccess(true), Prop.ForAll(Cases(), seeds =>
        {
            daemon.Send(seeds);
            if (done++ % WitnessEvery == 0)
                FuzzedDaemon.ExpectAnswer(witness);
            // What is made once (code, caches, pools) has been made by then.
            if (done == cases / 5)
                settled = Bytes(sockets);
            return true;
        }));

        FuzzedDaemon.ExpectAnswer(witness);
        Assert.True(daemon.Mistakes.IsEmpty, string.Join('\n', daemon.Mistakes.Take(10)));
        var grown = (Bytes(sockets) - settled) / 1024;
        output.WriteLine($"{cases} cases; since the first fifth: memory {(grown >= 0 ? "+" : "")}{grown} KiB");
        Assert.True(grown < 8 * 1024, $"grown by {grown} KiB in {cases * 4 / 5} cases");
    }

    private static Arbitrary<int[]> Cases() => Arb.From(
        Gen.Choose(0, int.MaxValue - 1).NonEmptyListOf().Select(seeds => seeds.Take(12).ToArray()),
        seeds => Enumerable.Range(0, seeds.Length).Select(without => seeds.Where((_, index) => index != without).ToArray()).Where(fewer => fewer.Length > 0));

    private static int Sockets() => new DirectoryInfo("/proc/self/fd").GetFiles()
        .Count(file => file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) ?? false);

    /// <summary>Memory in use, once the daemon has noticed that the connections are gone.</summary>
    private static long Bytes(int sockets)
    {
        Assert.True(SpinWait.SpinUntil(() => Sockets() <= sockets, Deadline.Default), $"{Sockets()} sockets are open, not {sockets}");
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private sealed class FuzzedDaemon : IDisposable
    {
        private readonly ILoggerFactory _logs;
        private readonly InProcessDaemon _daemon;

        public FuzzedDaemon()
        {
            _logs = LoggerFactory.Create(builder => builder.AddProvider(new MistakeLog(Mistakes)));
            _daemon = new InProcessDaemon(_logs);
        }

        /// <summary>What the daemon logged as unexpected.</summary>
        public ConcurrentQueue<string> Mistakes { get; } = [];

        public Socket Connect(string name)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            {
                ReceiveTimeout = (int)Deadline.Default.TotalMilliseconds,
                SendTimeout = (int)Deadline.Default.TotalMilliseconds,
            };
            socket.Connect(new UnixDomainSocketEndPoint(_daemon.PathOf(name)));
            return socket;
        }

        /// <summary>One connection with these frames, ended in one of the ways in which clients end.</summary>
        public void Send(int[] seeds)
        {
            var random = new Random(seeds[0]);
            using var socket = Connect(random.Next(8) switch { 0 => "libvirt-admin-sock", 1 => "libvirt-sock-ro", _ => "libvirt-sock" });
            try
            {
                if (random.Next(6) != 0) socket.Send(FuzzFrame.Open);
                foreach (var seed in seeds) socket.Send(FuzzFrame.Make(seed));
                if (random.Next(4) == 0) return; // It goes without waiting for an answer.
                socket.Shutdown(SocketShutdown.Send);
                while (Receive(socket) is { } frame) CheckFrame(frame);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown or SocketError.ConnectionAborted)
            {
                // The daemon closed it for what came before.
            }
        }

        /// <summary>A call is answered on a connection that did nothing wrong.</summary>
        public static void ExpectAnswer(Socket witness)
        {
            witness.Send(Make(RemoteProcedure.AuthList));
            while (Receive(witness) is { } frame)
            {
                var reader = new XdrReader(frame);
                if (MessageHeader.Decode(ref reader) is { Type: MessageType.Reply, Status: MessageStatus.Ok }) return;
            }

            Assert.Fail("the witness was cut off");
        }

        public void Dispose()
        {
            _daemon.Dispose();
            _logs.Dispose();
        }

        private static byte[] Make(int procedure)
        {
            using var writer = new XdrWriter();
            writer.WriteInt(28);
            new MessageHeader(RemoteProcedure.Program, RemoteProcedure.Version, procedure, MessageType.Call, 1, MessageStatus.Ok).Encode(writer);
            return writer.Written.ToArray();
        }

        private static void CheckFrame(byte[] frame)
        {
            var reader = new XdrReader(frame);
            var header = MessageHeader.Decode(ref reader);
            Assert.True(header.Type is MessageType.Reply or MessageType.Message, $"{header}");
            if (header.Status == MessageStatus.Error) RemoteError.Decode(ref reader);
        }

        /// <summary>A frame without its length, or null at the end.</summary>
        private static byte[]? Receive(Socket socket)
        {
            var length = new byte[4];
            if (!Fill(socket, length)) return null;
            var rest = new byte[BinaryPrimitives.ReadInt32BigEndian(length) - 4];
            return Fill(socket, rest) ? rest : throw new EndOfStreamException("the daemon closed inside a frame");
        }

        private static bool Fill(Socket socket, byte[] buffer)
        {
            for (var filled = 0; filled < buffer.Length;)
            {
                var count = socket.Receive(buffer.AsSpan(filled));
                if (count == 0) return false;
                filled += count;
            }

            return true;
        }
    }

    /// <summary>Keeps the messages that tell of a mistake of ours: a listener, a callback, a connection or a call that failed unexpectedly.</summary>
    private sealed class MistakeLog(ConcurrentQueue<string> mistakes) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id is 1005 or 1012 or 1013 or 1022) mistakes.Enqueue($"{eventId.Id}: {formatter(state, exception)}\n{exception}");
        }

        public void Dispose()
        {
        }
    }
}
