using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh console and screenshot: calls whose reply opens a stream.
internal sealed partial class RemoteProgram
{
    private const uint ConsoleForce = 1, ConsoleSafe = 2;

    /// <summary>"Safe" asks for one client at a time, which is all that there is.</summary>
    [Procedure(RemoteProcedure.DomainOpenConsole)]
    private ValueTask DomainOpenConsole(ServerCall call, DomainOpenConsoleArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, ConsoleForce | ConsoleSafe, "qemuDomainOpenConsole");
        Open(call, Driver.OpenConsole(Domain(call, args.Dom), args.DevName, Has(args.Flags, ConsoleForce)));
        return default;
    }

    [Procedure(RemoteProcedure.DomainScreenshot)]
    private async ValueTask<DomainScreenshotRet> DomainScreenshot(ServerCall call, DomainScreenshotArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, 0, "qemuDomainScreenshot");
        var (picture, mediaType) = await Driver.TakeScreenshotAsync(Domain(call, args.Dom), args.Screen, Owner("DomainScreenshot"), ct);
        Open(call, picture);
        return new DomainScreenshotRet(mediaType);
    }

    private static void Open(ServerCall call, Stream data)
    {
        try
        {
            call.OpenStream(data);
        }
        catch
        {
            data.Dispose();
            throw;
        }
    }
}
