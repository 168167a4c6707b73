using System.Collections.Immutable;
using System.Net.Sockets;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qmp.Values;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>Prepare's decisions before QEMU exists: where to listen, which disks arrive, which images have to be made.</summary>
internal static class IncomingPreparation
{
    public static async Task<IncomingOrder> DecideAsync(
        MigrationContext context, Domain domain, DomainDefinition definition, PhaseCall call, MigrationCookie? cookie, IncomingClient client, MigrationTls? tls, CancellationToken ct)
    {
        var stream = StreamSettings.From(MigrationParty.Destination, call.Flags, call.Parameters);
        var copied = DisksToReceive(definition, call, cookie);
        DiskSelection.RequireKnown(definition.Spec, copied);
        TargetImages.RequireWritable(definition.Spec, context.Host.HostName);
        var resources = new List<IDisposable>();
        try
        {
            var id = cookie?.Handover is { } handover ? new HandoverId(handover.HandoverId) : HandoverId.New();
            var endpoint = stream.Tunnelled
                ? DataEndpoint.Tunnel(context.Driver.Files.TunnelOf(id.Value))
                : DataEndpoint.Choose(context, call.Parameters);
            if (endpoint.Port is { } port)
                resources.Add(port);

            var (nbdServer, nbdPort) = copied.IsEmpty ? (null, 0) : NbdServer(context, call.Parameters, endpoint.Listen, resources);
            return new IncomingOrder
            {
                Id = id,
                Mode = call.Flags.HasFlag(MigrationFlags.PeerToPeer) ? MigrationMode.PeerToPeer : MigrationMode.Managed,
                Kind = cookie?.Handover is null ? PeerKind.Legacy : PeerKind.Wherry,
                Definition = definition,
                Flags = call.Flags,
                Parameters = call.Parameters,
                Stream = stream,
                Tls = tls,
                Cookie = cookie,
                Source = new HandoverPeer(cookie?.Handover?.PeerUri, cookie?.HostUuid, cookie?.Handover?.BootId, cookie?.HostName),
                ListenUri = endpoint.Listen,
                UriOut = endpoint.UriOut,
                PersistentXml = call.Parameters.PersistentXml,
                DefinitionAdded = call.Flags.HasFlag(MigrationFlags.PersistDestination) && !domain.Snapshot.IsPersistent,
                NbdServer = nbdServer,
                NbdPort = nbdPort,
                CopiedDisks = copied,
                PingSource = client.Ping,
                Resources = [.. resources],
                CreatedImages = await TargetImages.MakeAsync(
                    definition.Spec, copied, cookie?.Nbd, call.Flags.HasFlag(MigrationFlags.NonSharedIncremental), context.Host.HostName, context.Tools, ct),
            };
        }
        catch
        {
            resources.ForEach(resource => resource.Dispose());
            throw;
        }
    }

    /// <summary>Where the memory stream comes in.</summary>
    /// <param name="Listen">For QEMU.</param>
    /// <param name="UriOut">For the source; null when its own URI is used as it is.</param>
    /// <param name="Port">The port that was chosen here, until it is given back.</param>
    public sealed record DataEndpoint(MigrationUri Listen, string? UriOut, PortReservation? Port)
    {
        /// <summary>A socket to which the daemon passes on what it is sent.</summary>
        public static DataEndpoint Tunnel(string path) => new(new MigrationUri("unix", "", 0, path, WellFormed: true), UriOut: null, Port: null);

        public static DataEndpoint Choose(MigrationContext context, MigrationParameters parameters)
        {
            var asked = parameters.MigrateUri is { } text ? MigrationUri.Parse(text) : null;
            var uri = asked ?? AdvertisedUri(context.Host);
            var port = uri is { Scheme: "tcp", Port: 0 } ? context.Ports.Acquire() : null;
            if (port is not null)
                uri = uri.WithPort(port.Port);

            return new DataEndpoint(
                uri with { Host = ListenAddress(context.Host, parameters) },
                asked is { Port: not 0 } or { Scheme: "unix" } ? null : uri.ToString(),
                port);
        }
    }

    /// <summary>Where the source finds this host, without a port.</summary>
    public static MigrationUri AdvertisedUri(MigrationHost host) => new("tcp", AdvertisedHost(host), 0, "", WellFormed: false);

    /// <summary>Whom the source shall dial: the configured address, or our name as long as it means this host to others.</summary>
    private static string AdvertisedHost(MigrationHost host)
    {
        var name = host.MigrationAddress ?? host.HostName;
        return name.StartsWith("localhost", StringComparison.Ordinal)
            ? throw new WherryException(
                ErrorCode.InternalError, "hostname on destination resolved to localhost, but migration requires an FQDN")
            : name;
    }

    private static string ListenAddress(MigrationHost host, MigrationParameters parameters) =>
        parameters.ListenAddress is { } asked ? MigrationUri.Unbracketed(asked)
        : host.ListenAddress == "::" && !Socket.OSSupportsIPv6 ? "0.0.0.0" : host.ListenAddress;

    /// <summary>Where the client says, or beside the memory stream on a port of its own.</summary>
    private static (SocketAddress Server, int Port) NbdServer(
        MigrationContext context, MigrationParameters parameters, MigrationUri memory, List<IDisposable> resources)
    {
        var asked = parameters.DisksUri is { } text ? MigrationUri.ParseDisks(text) : null;
        if (asked is { Scheme: "unix" })
            return (SocketAddress.Unix(asked.Path), 0);
        if (asked is null && memory.Scheme == "unix")
            throw new WherryException(ErrorCode.InvalidArg, "a migration over a UNIX socket copies disks only where 'disks_uri' says how");

        var fixedPort = asked is { Port: not 0 } ? asked.Port : parameters.DisksPort;
        var reservation = fixedPort != 0 ? PortAllocator.Acquire(fixedPort) : context.Ports.Acquire();
        resources.Add(reservation);

        return (SocketAddress.Inet(asked?.Host ?? memory.Host, reservation.Port), reservation.Port);
    }

    /// <summary>The list of a source that says which it copies; otherwise what the call says. libvirt lists the sizes of all disks.</summary>
    private static ImmutableArray<string> DisksToReceive(DomainDefinition definition, PhaseCall call, MigrationCookie? cookie) =>
        call.Flags.CopiesDisks() && cookie is { Handover: not null, Nbd: { Disks.IsEmpty: false } nbd }
            ? [.. nbd.Disks.Select(disk => disk.Target)]
            : [.. DiskSelection.Choose(definition.Spec, call.Flags, call.Parameters.MigrateDisks).Select(disk => disk.TargetDev)];
}
