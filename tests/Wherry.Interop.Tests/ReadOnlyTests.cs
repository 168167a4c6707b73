using System.Collections.Immutable;
using System.Net.Sockets;
using System.Reflection;
using Wherry.Errors;
using Wherry.Testbed.Hosts;
using Wherry.Wire.Frames;
using Wherry.Wire.Procedures;
using Wherry.Wire.QemuProgram;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Interop.Tests;

/// <summary>
/// Every procedure on the read-only sockets of ours and of stock libvirtd. virsh itself refuses writes on a read-only connection, so
/// what a daemon does with a client that does not is asked with frames.
/// </summary>
public sealed class ReadOnlyTests(ITestOutputHelper output)
{
    private const string Refusal = "operation forbidden: read only access prevents ";

    /// <summary>Procedures that end the connection, or that only the handshake may send.</summary>
    private static readonly string[] NotAsked = ["ConnectOpen", "ConnectClose", "AuthSaslInit", "AuthSaslStart", "AuthSaslStep", "AuthPolkit"];

    /// <summary>Where we differ, and why.</summary>
    private static readonly Dictionary<string, string> Explained = new(StringComparer.Ordinal)
    {
        ["ConnectDomainMonitorEventDeregister"] = "stock first finds that the reader has none registered, which it never can have",
        ["ConnectSetIdentity"] = "libvirt leaves it to access control, which could let a reader speak for somebody else",
    };

    [Fact]
    public async Task A_reader_is_refused_what_stock_refuses_in_the_same_words_and_nothing_else()
    {
        Assert.SkipWhen(StockLibvirtd.Missing is not null, StockLibvirtd.Missing ?? "");
        await using var run = RunDirectory.Create();
        await using var host = await TestHost.CreateAsync(run, "alpha", isolated: true);
        await using var own = new Wherryd(host, null);
        await using var stock = new StockLibvirtd(host);
        await own.StartAsync();
        await stock.StartAsync();

        List<string> differences = [];
        var (asked, refused) = (0, 0);
        foreach (var (program, table) in new[] { (RemoteProcedure.Program, typeof(RemoteProcedure)), (QemuProcedure.Program, typeof(QemuProcedure)) })
        {
            foreach (var procedure in table.GetFields().Where(field => field.FieldType == typeof(int) && !NotAsked.Contains(field.Name)))
            {
                if (Arguments(procedure, table) is not { } arguments) continue;
                var number = (int)procedure.GetRawConstantValue()!;
                // A connection each: a daemon may close one that it does not understand.
                var theirs = await CallAsync(Path.Combine(host.Directory, "libvirt-sock-ro"), program, number, arguments);
                var ours = await CallAsync(Path.Combine(own.RuntimeDirectory, "libvirt-sock-ro"), program, number, arguments);
                var declared = procedure.GetCustomAttribute<TraitsAttribute>()?.ReadOnly ?? false;
                asked++;
                var stockRefuses = theirs?.Message?.StartsWith(Refusal, StringComparison.Ordinal) ?? false;
                if (stockRefuses) refused++;
                if (Explained.ContainsKey(procedure.Name)) continue;
                if (declared == stockRefuses) differences.Add($"{procedure.Name}: declared {(declared ? "open" : "closed")} to readers, stock says: {theirs?.Message ?? "done"}");
                var isOurs = ours?.Message?.Contains("unknown procedure", StringComparison.Ordinal) != true;
                if (isOurs && stockRefuses && Told(ours) != Told(theirs)) differences.Add($"{procedure.Name}:\n ours: {Told(ours)}\nstock: {Told(theirs)}");
            }
        }

        output.WriteLine($"{asked} procedures asked, {refused} refused to readers by stock, {Explained.Count} explained differences");
        Assert.True(differences.Count == 0, string.Join('\n', differences));
        Assert.True(asked > 150, $"{asked} procedures have arguments declared");
    }

    private static (ErrorCode?, ErrorDomain?, string?) Told(RemoteError? error) => (error?.Code, error?.Domain, error?.Message);

    /// <summary>Arguments as plain as they can be, encoded; null for a procedure that is an event, or whose arguments are not declared.</summary>
    private static byte[]? Arguments(FieldInfo procedure, Type table)
    {
        var prefix = $"{table.Namespace}.{(table == typeof(QemuProcedure) ? "Qemu" : "")}{procedure.Name}";
        if (table.Assembly.GetType($"{prefix}Args") is not { } type)
            return table.Assembly.GetType($"{prefix}Ret") is null ? null : [];
        using var writer = new XdrWriter();
        type.GetMethod("Encode", [typeof(XdrWriter)])!.Invoke(Plain(type), [writer]);
        return writer.Written.ToArray();
    }

    private static object? Plain(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is not null) return null;
        if (type == typeof(string)) return "plain";
        if (type == typeof(Guid)) return Guid.Parse("6d0ab4cb-2be2-4bd0-a2f5-0d2c1e0f8b11");
        if (type == typeof(ImmutableArray<string>)) return ImmutableArray.Create("plain");
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>)) return type.GetField("Empty")!.GetValue(null);
        if (type == typeof(TypedParameterValue)) return TypedParameterValue.From(0);
        if (type.IsPrimitive || type.IsEnum) return Activator.CreateInstance(type);
        var constructor = type.GetConstructors().MaxBy(candidate => candidate.GetParameters().Length)!;
        // Stock looks at this one number before it looks at who asks.
        return constructor.Invoke([.. constructor.GetParameters().Select(parameter => parameter.Name == "PidValue" ? 1u : Plain(parameter.ParameterType))]);
    }

    /// <summary>The error of one call on an opened connection, or null when it succeeded.</summary>
    private static async Task<RemoteError?> CallAsync(string path, uint program, int procedure, byte[] arguments)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await using var stream = new NetworkStream(socket);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var open = new XdrWriter();
        new ConnectOpenArgs("qemu:///system", 1).Encode(open);
        Assert.Null(await AskAsync(stream, RemoteProcedure.Program, RemoteProcedure.AuthList, [], limit.Token));
        Assert.Null(await AskAsync(stream, RemoteProcedure.Program, RemoteProcedure.ConnectOpen, open.Written.ToArray(), limit.Token));
        return await AskAsync(stream, program, procedure, arguments, limit.Token);
    }

    private static async Task<RemoteError?> AskAsync(NetworkStream stream, uint program, int procedure, byte[] arguments, CancellationToken ct)
    {
        const uint serial = 7;
        using var call = new XdrWriter();
        call.WriteInt(28 + arguments.Length);
        new MessageHeader(program, 1, procedure, MessageType.Call, serial, MessageStatus.Ok).Encode(call);
        await stream.WriteAsync((byte[])[.. call.Written.Span, .. arguments], ct);
        while (true)
        {
            var length = new byte[4];
            await stream.ReadExactlyAsync(length, ct);
            var rest = new byte[System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(length) - 4];
            await stream.ReadExactlyAsync(rest, ct);
            if (Read(rest) is { } reply) return reply.Error;
        }
    }

    private static (RemoteError? Error, bool IsReply)? Read(byte[] frame)
    {
        var reader = new XdrReader(frame);
        var header = MessageHeader.Decode(ref reader);
        if (header.Type != MessageType.Reply) return null;
        return (header.Status == MessageStatus.Error ? RemoteError.Decode(ref reader) : null, true);
    }
}
