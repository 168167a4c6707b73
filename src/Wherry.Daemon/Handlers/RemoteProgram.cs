using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

/// <summary>
/// The remote program: what virsh and the bindings call. One part per kind of object; each handler translates, calls the driver, and
/// translates back. What the driver throws is the dispatcher's to send.
/// </summary>
/// <remarks>
/// <code>
///   call --> decode (generated) --> Client(call): opened? --> Domain(dom): still there? --> flags known? --> driver --> encode (generated)
/// </code>
/// Order matters where several things are wrong: stock libvirt checks in this order, and clients see the first.
/// </remarks>
[RpcProgram(typeof(RemoteProcedure))]
internal sealed partial class RemoteProgram(DaemonContext context)
{
    private QemuDriver Driver => context.Driver;

    /// <summary>The session's own state, or libvirt's error for a client that calls before it has opened a connection.</summary>
    private ClientState Client(ServerCall call)
    {
        var client = State(call);
        return client.Uri is not null
            ? client
            : throw new WherryException(ErrorCode.InternalError, "hypervisor connection not open", ErrorDomain.Rpc);
    }

    private ClientState State(ServerCall call) => ClientState.Of(call.Session, context);

    private Domain Domain(ServerCall call, NonnullDomain dom)
    {
        Client(call);
        return Driver.Get(dom.Uuid, dom.Name);
    }

    private static NonnullDomain Name(Domain domain) => Name(domain.Snapshot.Identity);

    internal static NonnullDomain Name(DomainIdentity identity) => new(identity.Name, identity.Uuid, identity.Id);

    /// <summary>Refuses flags that this call does not know: a newer client must not believe that they had an effect.</summary>
    /// <param name="function">libvirt's function, which its text names.</param>
    /// <param name="domain">The driver that refuses.</param>
    internal static void CheckFlags(uint flags, uint known, string function, ErrorDomain domain = ErrorDomain.Qemu)
    {
        if ((flags & ~known) is var unknown and not 0)
            throw WherryException.RefusedArgument(function, "flags", $"unsupported flags (0x{unknown:x}) in function {function}", domain);
    }

    /// <summary>Arguments that libvirt's API layer looks at before its drivers do.</summary>
    /// <param name="isGood">False is refused.</param>
    /// <param name="name">libvirt's name of the argument.</param>
    /// <param name="function">libvirt's function, which its text names.</param>
    /// <param name="rule">Such as "must not be zero".</param>
    private static void CheckArgument(bool isGood, string name, string function, string rule)
    {
        if (!isGood)
            throw new WherryException(ErrorCode.InvalidArg, $"{name} in {function} {rule}", ErrorDomain.Domain);
    }

    private static Affect Affect(uint flags) => new(Has(flags, AffectLive), Has(flags, AffectConfig));

    /// <summary>Who holds a domain's turn, as another caller's time-out names it: libvirt shows its dispatch function.</summary>
    private static string Owner(string procedure) => "remoteDispatch" + procedure;
}
