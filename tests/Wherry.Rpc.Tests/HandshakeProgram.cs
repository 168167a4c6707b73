using Wherry.Wire.Remote;

namespace Wherry.Rpc.Tests;

/// <summary>What a client asks of the remote program before it can be used, and nothing else.</summary>
internal sealed class HandshakeProgram : IRpcProgram
{
    public uint Number => RemoteProcedure.Program;

    public uint Version => RemoteProcedure.Version;

    public List<int> Calls { get; } = [];

    public AuthType[] Offered { get; set; } = [AuthType.None];

    public bool KeepAlive { get; set; } = true;

    public ProcedureTraits? Find(int procedure) => new ProcedureTraits(AllowReadOnly: true, Priority: false, BeforeAuth: true);

    public ValueTask InvokeAsync(int procedure, ServerCall call, CancellationToken ct)
    {
        Calls.Add(procedure);
        switch (procedure)
        {
            case RemoteProcedure.AuthList:
                call.ReadNoArgs();
                call.Reply(new AuthListRet([.. Offered]));
                break;
            case RemoteProcedure.ConnectSupportsFeature:
                var feature = call.ReadArgs<ConnectSupportsFeatureArgs>().Feature;
                if (feature == 10) call.Session.StartKeepAlive();
                call.Reply(new ConnectSupportsFeatureRet(feature == 10 && KeepAlive ? 1 : 0));
                break;
        }

        return ValueTask.CompletedTask;
    }
}
