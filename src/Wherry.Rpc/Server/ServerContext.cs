using Microsoft.Extensions.Logging;

namespace Wherry.Rpc;

/// <summary>What all connections of one server share.</summary>
/// <param name="Stopping">Cancelled when calls should give up because the server ends.</param>
internal sealed record ServerContext(
    RpcServerOptions Options, Dispatcher Dispatcher, TimeProvider Time, ILogger Logger, CancellationToken Stopping);
