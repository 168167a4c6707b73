using Wherry.Errors;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// Opening and closing, and what a client may ask about the daemon itself.
internal sealed partial class RemoteProgram
{
    private const uint OpenReadOnly = 1;

    /// <summary>libvirt's version scheme: major * 1,000,000 + minor * 1,000 + release.</summary>
    private const ulong LibvirtVersion = 9_000_000;

    [Procedure(RemoteProcedure.AuthList)]
    private ValueTask<AuthListRet> AuthList(ServerCall call, CancellationToken ct) => new(new AuthListRet([AuthType.None]));

    /// <summary>
    /// Of the flags only read-only is for us. A client's library sends its own beside it (0x2 for a user's daemon, 0x4 when it would have
    /// started one), and libvirtd looks at none of them.
    /// </summary>
    [Procedure(RemoteProcedure.ConnectOpen)]
    private ValueTask ConnectOpen(ServerCall call, ConnectOpenArgs args, CancellationToken ct)
    {
        var client = State(call);
        if (client.Uri is not null)
            throw new WherryException(ErrorCode.InternalError, "connection already open", ErrorDomain.Rpc);
        var uri = ConnectionUri.Resolve(args.Name, context.Options.IsPrivileged);
        if ((args.Flags & OpenReadOnly) != 0)
            call.Session.RestrictToReadOnly();
        client.Uri = uri;
        return default;
    }

    [Procedure(RemoteProcedure.ConnectClose)]
    private ValueTask ConnectClose(ServerCall call, CancellationToken ct)
    {
        call.Session.CloseAfterReplies("the client closed its connection");
        return default;
    }

    /// <summary>Numbers are virDrvFeature's. What is not listed is answered 0, as a libvirtd that does not know it would.</summary>
    [Procedure(RemoteProcedure.ConnectSupportsFeature)]
    private ValueTask<ConnectSupportsFeatureRet> ConnectSupportsFeature(ServerCall call, ConnectSupportsFeatureArgs args, CancellationToken ct)
    {
        const int migrationV2 = 3, migrationP2p = 4, migrationV3 = 6, changeProtection = 7, typedParamString = 9, programKeepalive = 10,
            xmlMigratable = 11, migrationOffline = 12, migrationParams = 13, remoteEventCallback = 14, remoteCloseCallback = 15,
            networkUpdateCorrectOrder = 16;
        var supported = args.Feature switch
        {
            typedParamString or remoteEventCallback or remoteCloseCallback => true,
            programKeepalive => true,
            _ when Client(call) is not null => args.Feature is migrationV2 or migrationP2p or migrationV3 or changeProtection or xmlMigratable
                or migrationOffline or migrationParams or networkUpdateCorrectOrder,
            _ => false,
        };
        if (args.Feature == programKeepalive)
            call.Session.StartKeepAlive();
        return new(new ConnectSupportsFeatureRet(supported ? 1 : 0));
    }

    [Procedure(RemoteProcedure.ConnectGetType)]
    private ValueTask<ConnectGetTypeRet> ConnectGetType(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectGetTypeRet("QEMU"));
    }

    [Procedure(RemoteProcedure.ConnectGetVersion)]
    private async ValueTask<ConnectGetVersionRet> ConnectGetVersion(ServerCall call, CancellationToken ct)
    {
        Client(call);
        var emulator = await context.Emulators.GetDefaultAsync(ct);
        var version = emulator.Version;
        return new ConnectGetVersionRet((ulong)((version.Major * 1_000_000) + (version.Minor * 1_000) + version.Micro));
    }

    [Procedure(RemoteProcedure.ConnectGetLibVersion)]
    private ValueTask<ConnectGetLibVersionRet> ConnectGetLibVersion(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectGetLibVersionRet(LibvirtVersion));
    }

    [Procedure(RemoteProcedure.ConnectGetHostname)]
    private ValueTask<ConnectGetHostnameRet> ConnectGetHostname(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectGetHostnameRet(context.Options.Hostname));
    }

    [Procedure(RemoteProcedure.ConnectGetUri)]
    private ValueTask<ConnectGetUriRet> ConnectGetUri(ServerCall call, CancellationToken ct) =>
        new(new ConnectGetUriRet(Client(call).Uri!));

    /// <summary>Only unix sockets and TLS are; see libvirt's qemuConnectIsSecure: the driver itself always is.</summary>
    [Procedure(RemoteProcedure.ConnectIsSecure)]
    private ValueTask<ConnectIsSecureRet> ConnectIsSecure(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new(new ConnectIsSecureRet(1));
    }

    [Procedure(RemoteProcedure.ConnectGetMaxVcpus)]
    private ValueTask<ConnectGetMaxVcpusRet> ConnectGetMaxVcpus(ServerCall call, ConnectGetMaxVcpusArgs args, CancellationToken ct)
    {
        const int tcgLimit = 16; // libvirt's constant for every type but kvm
        Client(call);
        return args.Type switch
        {
            null or "qemu" => new(new ConnectGetMaxVcpusRet(tcgLimit)),
            "kvm" => new(new ConnectGetMaxVcpusRet(Environment.ProcessorCount)),
            var unknown => throw new WherryException(ErrorCode.InvalidArg, $"unknown type '{unknown}'"),
        };
    }

    [Procedure(RemoteProcedure.ConnectGetCapabilities)]
    private async ValueTask<ConnectGetCapabilitiesRet> ConnectGetCapabilities(ServerCall call, CancellationToken ct)
    {
        Client(call);
        return new ConnectGetCapabilitiesRet(await context.Capabilities.GetXmlAsync(ct));
    }

    [Procedure(RemoteProcedure.ConnectRegisterCloseCallback)]
    private ValueTask ConnectRegisterCloseCallback(ServerCall call, CancellationToken ct)
    {
        var client = Client(call);
        if (client.WantsCloseReason)
            throw new WherryException(ErrorCode.InternalError, "close callback already registered", ErrorDomain.Rpc);
        client.WantsCloseReason = true;
        return default;
    }

    [Procedure(RemoteProcedure.ConnectUnregisterCloseCallback)]
    private ValueTask ConnectUnregisterCloseCallback(ServerCall call, CancellationToken ct)
    {
        var client = Client(call);
        if (!client.WantsCloseReason)
            throw new WherryException(ErrorCode.InternalError, "close callback not registered", ErrorDomain.Rpc);
        client.WantsCloseReason = false;
        return default;
    }
}
