using Wherry.Rpc.Transports;
using Wherry.Testing;
using Wherry.Testing.Rpc;

namespace Wherry.Rpc.Tests;

/// <summary>A running server with one program, reached through memory.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();

    public TestServer(RpcServerOptions? options = null, TimeProvider? time = null, InMemoryListener? listener = null, IRpcProgram? also = null, Task? ready = null, params RpcListener[] more)
    {
        Listener = listener ?? new InMemoryListener();
        Server = new RpcServer(options ?? new RpcServerOptions(), also is null ? [Program] : [Program, also], [Listener, .. more], time ?? TimeProvider.System, Logger) { Ready = ready ?? Task.CompletedTask };
        Running = Server.RunAsync(StopDeadline, _stop.Token);
    }

    public static TimeSpan StopDeadline { get; } = TimeSpan.FromSeconds(10);

    public InMemoryListener Listener { get; }

    public TestProgram Program { get; } = new();

    public ListLogger Logger { get; } = new();

    public RpcServer Server { get; }

    public Task Running { get; }

    public RawClient Connect() => new(Listener.Connect());

    public Task StopAsync()
    {
        _stop.Cancel();
        return Running;
    }

    public async ValueTask DisposeAsync() => await StopAsync().Within();
}
