using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Wherry.Qmp.GuestAgent;

namespace Wherry.Qemu.Domains;

// What the agent inside the guest knows of it.
public sealed partial class QemuDriver
{
    /// <summary>The agent's names of a system's properties, which are libvirt's as well.</summary>
    private static readonly string[] SystemProperties =
        ["id", "name", "pretty-name", "version", "version-id", "machine", "variant", "variant-id", "kernel-release", "kernel-version"];

    /// <summary>virsh guestinfo.</summary>
    /// <param name="topics">None: all that this agent can tell.</param>
    /// <exception cref="WherryException">As <see cref="AskAgentAsync"/>; InternalError: the agent's answer makes no sense.</exception>
    public async Task<GuestReport> GetGuestReportAsync(Domain domain, GuestTopics topics, string owner, CancellationToken ct)
    {
        AgentOf(domain);
        var wanted = topics == GuestTopics.None ? GuestTopics.All : topics;
        var users = await AskAsync(GuestTopics.Users, "guest-get-users");
        var system = await AskAsync(GuestTopics.OperatingSystem, "guest-get-osinfo");
        var zone = await AskAsync(GuestTopics.Timezone, "guest-get-timezone");
        var hostname = wanted.HasFlag(GuestTopics.Hostname) ? await IfKnownAsync(() => GetGuestHostnameAsync(domain, owner, ct)) : null;
        var fileSystems = wanted.HasFlag(GuestTopics.FileSystems)
            ? await IfKnownAsync(async () => (IReadOnlyList<GuestFileSystem>)await GetGuestFileSystemsAsync(domain, owner, ct))
            : null;
        var disks = await AskAsync(GuestTopics.Disks, "guest-get-disks");
        var interfaces = wanted.HasFlag(GuestTopics.Interfaces)
            ? await IfKnownAsync(async () => (IReadOnlyList<GuestInterface>)await GetGuestInterfacesAsync(domain, owner, ct))
            : null;
        return new GuestReport(
            users is null ? null : Each(users.Value, GuestUser.From, "guest-get-users reply was missing return data"),
            system is null ? [] : SystemOf(system.Value),
            zone is null ? null : GuestTimezone.From(Whole(zone.Value, "guest-get-timezone reply was missing return data")),
            hostname,
            [.. fileSystems ?? []],
            disks is null ? [] : Each(disks.Value, GuestDisk.From, "qemu agent didn't return an array of disks"),
            [.. interfaces ?? []],
            domain.Snapshot.Live?.Spec ?? throw DomainRefusals.NotRunning());

        async Task<JsonElement?> AskAsync(GuestTopics topic, string command)
        {
            if (!wanted.HasFlag(topic))
                return null;
            try
            {
                return await AskAgentAsync(domain, command, arguments: null, owner, ct);
            }
            catch (AgentCommandMissingException) when (topics == GuestTopics.None)
            {
                return null;
            }
        }

        async Task<T?> IfKnownAsync<T>(Func<Task<T>> ask)
            where T : class
        {
            try
            {
                return await ask();
            }
            catch (AgentCommandMissingException) when (topics == GuestTopics.None)
            {
                return null;
            }
        }
    }

    /// <summary>virsh domfsinfo: what is mounted in the guest, in the order in which it was.</summary>
    public async Task<ImmutableArray<GuestFileSystem>> GetGuestFileSystemsAsync(Domain domain, string owner, CancellationToken ct)
    {
        var reply = await AskAgentAsync(domain, "guest-get-fsinfo", arguments: null, owner, ct);
        // The agent has the last first.
        return [.. Each(reply, GuestFileSystem.From, "Malformed guest-get-fsinfo data array").Reverse()];
    }

    /// <summary>virsh domifaddr --source agent.</summary>
    public async Task<ImmutableArray<GuestInterface>> GetGuestInterfacesAsync(Domain domain, string owner, CancellationToken ct)
    {
        var reply = await AskAgentAsync(domain, "guest-network-get-interfaces", arguments: null, owner, ct);
        return reply.ValueKind == JsonValueKind.Array
            ? GuestInterface.AllFrom(reply)
            : throw new WherryException(ErrorCode.InternalError, "qemu agent didn't return an array of interfaces");
    }

    /// <summary>virsh get-user-sshkeys.</summary>
    public async Task<ImmutableArray<string>> GetAuthorizedKeysAsync(Domain domain, string user, string owner, CancellationToken ct)
    {
        var reply = await AskAgentAsync(domain, "guest-ssh-get-authorized-keys", new JsonObject { ["username"] = user }, owner, ct);
        return reply.Member("keys") is { ValueKind: JsonValueKind.Array } keys && keys.EnumerateArray().All(key => key.ValueKind == JsonValueKind.String)
            ? [.. keys.EnumerateArray().Select(key => key.GetString()!)] // ! : a string has one
            : throw new WherryException(ErrorCode.InternalError, "qemu agent didn't return an array of keys");
    }

    /// <summary>virsh set-user-sshkeys.</summary>
    /// <param name="remove">Takes these away; otherwise they are added.</param>
    /// <param name="reset">Before they are added all others are taken away.</param>
    public Task SetAuthorizedKeysAsync(
        Domain domain, string user, ImmutableArray<string> keys, bool remove, bool reset, string owner, CancellationToken ct)
    {
        var arguments = new JsonObject { ["username"] = user, ["keys"] = new JsonArray([.. keys.Select(key => JsonValue.Create(key))]) };
        if (!remove)
            arguments["reset"] = reset;
        return AskAgentAsync(domain, remove ? "guest-ssh-remove-authorized-keys" : "guest-ssh-add-authorized-keys", arguments, owner, ct);
    }

    private static ImmutableArray<(string Name, string Value)> SystemOf(JsonElement system)
    {
        Whole(system, "guest-get-osinfo reply was missing return data");
        return [.. SystemProperties.Select(name => (name, system.Text(name))).Where(pair => pair.Item2 is not null).Select(pair => (pair.name, pair.Item2!))]; // ! : just looked
    }

    private static JsonElement Whole(JsonElement reply, string otherwise) =>
        reply.ValueKind == JsonValueKind.Object ? reply : throw new WherryException(ErrorCode.InternalError, otherwise);

    private static ImmutableArray<T> Each<T>(JsonElement reply, Func<JsonElement, T> read, string otherwise) => reply.ValueKind == JsonValueKind.Array
        ? [.. reply.EnumerateArray().Select(read)]
        : throw new WherryException(ErrorCode.InternalError, otherwise);
}
