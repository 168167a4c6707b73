using System.Collections.Immutable;
using System.Net.Sockets;
using Wherry.Qemu.Domains;
using Wherry.Qemu.Launch;
using Wherry.Qemu.Migration.Cookie;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Migration.Destination;

/// <summary>Prepare's decisions before QEMU exists: where to listen, which disks arrive, which images have to be made.</summary>
internal static class IncomingPreparation
{
    public static async Task<IncomingOrder> DecideAsync(
        MigrationContext context, Domain domain, DomainDefinition definition, PhaseCall call, MigrationCookie? cookie, IncomingClient client, CancellationToken ct)
    {
        var asked = call.Parameters.MigrateUri is { } text ? MigrationUri.Parse(text) : null;
        var copied = DisksToReceive(definition, call, cookie);
        var resources = new List<IDisposable>();
        try
        {
            var uri = asked ?? new MigrationUri("tcp", AdvertisedHost(context.Host), 0, "", WellFormed: false);
            if (uri is { Scheme: "tcp", Port: 0 })
            {
                var port = context.Ports.Acquire();
                resources.Add(port);
                uri = uri.WithPort(port.Port);
            }

            var nbdPort = copied.IsEmpty ? 0 : NbdPort(context, call.Parameters, resources);
            return new IncomingOrder
            {
                Id = cookie?.Handover is { } handover ? new HandoverId(handover.HandoverId) : HandoverId.New(),
                Mode = call.Flags.HasFlag(MigrationFlags.PeerToPeer) ? MigrationMode.PeerToPeer : MigrationMode.Managed,
                Kind = cookie?.Handover is null ? PeerKind.Legacy : PeerKind.Wherry,
                Definition = definition,
                Flags = call.Flags,
                Parameters = call.Parameters,
                Cookie = cookie,
                ListenUri = uri with { Host = ListenAddress(context.Host, call.Parameters) },
                UriOut = asked is { Port: not 0 } or { Scheme: "unix" } ? null : uri.ToString(),
                PersistentXml = call.Parameters.PersistentXml,
                DefinitionAdded = call.Flags.HasFlag(MigrationFlags.PersistDestination) && !domain.Snapshot.IsPersistent,
                NbdPort = nbdPort,
                CopiedDisks = copied,
                PingSource = client.Ping,
                Resources = [.. resources],
                CreatedImages = await TargetImages.MakeAsync(definition.Spec, copied, cookie?.Nbd, context.Tools, ct),
            };
        }
        catch
        {
            resources.ForEach(resource => resource.Dispose());
            throw;
        }
    }

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
        parameters.ListenAddress ?? (host.ListenAddress == "::" && !Socket.OSSupportsIPv6 ? "0.0.0.0" : host.ListenAddress);

    private static int NbdPort(MigrationContext context, MigrationParameters parameters, List<IDisposable> resources)
    {
        var reservation = parameters.DisksPort != 0 ? PortAllocator.Acquire(parameters.DisksPort) : context.Ports.Acquire();
        resources.Add(reservation);
        return reservation.Port;
    }

    /// <summary>The source's list if it sent one (any source that copies disks does), otherwise what the flags say.</summary>
    private static ImmutableArray<string> DisksToReceive(DomainDefinition definition, PhaseCall call, MigrationCookie? cookie) =>
        call.Flags.CopiesDisks() && cookie?.Nbd is { Disks.IsEmpty: false } nbd
            ? [.. nbd.Disks.Select(disk => disk.Target)]
            : [.. DiskSelection.Choose(definition.Spec, call.Flags, call.Parameters.MigrateDisks).Select(disk => disk.TargetDev)];
}
