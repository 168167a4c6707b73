using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qmp.Commands;
using Wherry.Qmp.GuestAgent;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// What only the agent inside the guest can do. It has a turn of its own: a caller who waits for a guest that does not answer keeps nobody
// from the domain, and nobody from the agent for longer than the domain's patience says.
public sealed partial class QemuDriver
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    /// <summary>Asks the agent.</summary>
    /// <param name="arguments">null: none.</param>
    /// <returns>What it returned.</returns>
    /// <exception cref="WherryException">
    /// OperationInvalid: the guest does not run; ArgumentUnsupported: it has no channel for an agent; AgentUnresponsive: no agent, or no answer;
    /// InternalError: the agent refused.
    /// </exception>
    public async Task<JsonElement> AskAgentAsync(Domain domain, string command, JsonObject? arguments, string owner, CancellationToken ct) =>
        await AgentOf(domain).ExecuteAsync(command, arguments, new AgentPatience(domain.Snapshot.AgentPatienceSeconds), owner, ct);

    /// <summary>virsh qemu-agent-command: the agent's whole reply as JSON.</summary>
    /// <param name="seconds">libvirt's numbers: -2 for ever, -1 the default of 5, 0 does not wait.</param>
    public async Task<string> AgentCommandAsync(Domain domain, string message, int seconds, string owner, CancellationToken ct)
    {
        DomainRefusals.RequireActive(domain);
        var agent = AgentOf(domain);
        return Compact((await agent.ExecuteRawAsync(message, AgentPatience.From(seconds), owner, ct)).GetRawText());
    }

    /// <summary>virsh guest-agent-timeout: how long the other calls here wait. Kept for an agent that comes later.</summary>
    /// <exception cref="WherryException">InvalidArg: no such patience.</exception>
    public static void SetAgentPatience(Domain domain, int seconds)
    {
        _ = AgentPatience.From(seconds);
        domain.Change(now => now with { AgentPatienceSeconds = seconds });
    }

    /// <summary>virsh domfsfreeze and domfsthaw.</summary>
    /// <param name="command">The agent's.</param>
    /// <returns>How many file systems.</returns>
    public async Task<int> CountByAgentAsync(Domain domain, string command, JsonObject? arguments, string owner, CancellationToken ct)
    {
        DomainRefusals.RequireActive(domain);
        return (await AskAgentAsync(domain, command, arguments, owner, ct)) is { ValueKind: JsonValueKind.Number } count && count.TryGetInt32(out var counted)
            ? counted
            : throw Malformed();
    }

    /// <summary>virsh set-user-password.</summary>
    /// <param name="encrypted">As the guest's /etc/shadow has it.</param>
    public Task SetUserPasswordAsync(Domain domain, string user, string password, bool encrypted, string owner, CancellationToken ct)
    {
        DomainRefusals.RequireActive(domain);
        return AskAgentAsync(
            domain,
            "guest-set-user-password",
            new JsonObject { ["crypted"] = encrypted, ["username"] = user, ["password"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(password)) },
            owner,
            ct);
    }

    /// <summary>virsh domtime.</summary>
    public async Task<(long Seconds, uint Nanoseconds)> GetGuestTimeAsync(Domain domain, string owner, CancellationToken ct)
    {
        DomainRefusals.RequireActive(domain);
        return (await AskAgentAsync(domain, "guest-get-time", arguments: null, owner, ct)) is { ValueKind: JsonValueKind.Number } time
            && time.TryGetInt64(out var nanoseconds) && nanoseconds >= 0
            ? (nanoseconds / NanosecondsPerSecond, (uint)(nanoseconds % NanosecondsPerSecond))
            : throw Malformed();
    }

    /// <summary>virsh domtime --set: the guest's clock, and its memory of ticks that it missed.</summary>
    /// <param name="fromRtc">From its hardware clock instead.</param>
    public async Task SetGuestTimeAsync(Domain domain, long seconds, uint nanoseconds, bool fromRtc, string owner, CancellationToken ct)
    {
        DomainRefusals.RequireActive(domain);
        if (!fromRtc && seconds > long.MaxValue / NanosecondsPerSecond)
        {
            AgentOf(domain);
            throw new WherryException(ErrorCode.InvalidArg, $"Time '{seconds}' is too big for guest agent");
        }
        await AskAgentAsync(
            domain, "guest-set-time", fromRtc ? null : new JsonObject { ["time"] = (seconds * NanosecondsPerSecond) + nanoseconds }, owner, ct);
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        await ActiveQemu(domain).Monitor.ExecuteAsync(new RtcResetReinjection(), ct);
    }

    /// <summary>virsh domhostname.</summary>
    /// <returns>null: the agent cannot say, for whatever reason; libvirt keeps that to itself.</returns>
    /// <exception cref="WherryException">There is no agent to ask.</exception>
    public async Task<string?> FindGuestHostnameAsync(Domain domain, string owner, CancellationToken ct)
    {
        AgentOf(domain);
        try
        {
            return await GetGuestHostnameAsync(domain, owner, ct);
        }
        catch (WherryException)
        {
            return null;
        }
    }

    /// <summary>The name that the guest gives itself.</summary>
    public async Task<string> GetGuestHostnameAsync(Domain domain, string owner, CancellationToken ct) =>
        (await AskAgentAsync(domain, "guest-get-host-name", arguments: null, owner, ct)) is { ValueKind: JsonValueKind.Object } reply
            && reply.TryGetProperty("host-name", out var name) && name.GetString() is { } hostname
            ? hostname
            : throw new WherryException(ErrorCode.InternalError, "'host-name' missing in guest-get-host-name reply");

    /// <summary>virsh guestvcpus: the virtual CPUs as the guest uses them.</summary>
    public async Task<ImmutableArray<GuestVcpu>> GetGuestVcpusAsync(Domain domain, string owner, CancellationToken ct)
    {
        var reply = await AskAgentAsync(domain, "guest-get-vcpus", arguments: null, owner, ct);
        return reply.ValueKind == JsonValueKind.Array
            ? [.. reply.EnumerateArray().Select(GuestVcpu.From)]
            : throw new WherryException(ErrorCode.InternalError, "guest-get-vcpus reply was missing return data");
    }

    /// <summary>virsh guestvcpus --enable and --disable.</summary>
    /// <exception cref="WherryException">OperationUnsupported: the guest cannot do without one; InvalidArg: it does not have one.</exception>
    public async Task SetGuestVcpusAsync(Domain domain, ImmutableSortedSet<int> chosen, bool online, string owner, CancellationToken ct)
    {
        var vcpus = await GetGuestVcpusAsync(domain, owner, ct);
        if (!online && vcpus.FirstOrDefault(vcpu => chosen.Contains(vcpu.Id) && !vcpu.CanOffline) is { } needed)
            throw new WherryException(ErrorCode.OperationUnsupported, $"vCPU '{needed.Id}' is not offlinable");
        if (chosen.Except(vcpus.Select(vcpu => vcpu.Id)) is { IsEmpty: false } missing)
            throw new WherryException(ErrorCode.InvalidArg, $"guest is missing vCPUs '{CpuList.Write(missing)}'");
        await PutGuestVcpusAsync(domain, [.. chosen], online, owner, ct);
    }

    /// <summary>virsh setvcpus --guest: how many the guest uses of those that it has.</summary>
    /// <exception cref="WherryException">InvalidArg: more than it has, or fewer than it can do with.</exception>
    public async Task SetGuestVcpusAsync(Domain domain, int count, string owner, CancellationToken ct)
    {
        AgentOf(domain);
        if (domain.Snapshot.Live?.Spec.Vcpu.Current is { } present && count > present)
            throw new WherryException(
                ErrorCode.InvalidArg, $"requested vcpu count is greater than the count of enabled vcpus in the domain: {count} > {present}");
        var vcpus = await GetGuestVcpusAsync(domain, owner, ct);
        var online = vcpus.Count(vcpu => vcpu.IsOnline);
        // Suspend to memory fails in many a guest without its first CPU: it stays, also where the guest could do without it.
        var spare = vcpus.Where(vcpu => vcpu is { IsOnline: true, CanOffline: true } && vcpu.Id != 0).ToList();
        if (count > vcpus.Length)
            throw new WherryException(ErrorCode.InternalError, "guest agent reports less cpu than requested");
        if (count < online - spare.Count)
            throw new WherryException(ErrorCode.InvalidArg, "Cannot offline enough CPUs");
        if (count < online)
            await PutGuestVcpusAsync(domain, [.. spare.Take(online - count).Select(vcpu => vcpu.Id)], online: false, owner, ct);
        else if (count > online)
            await PutGuestVcpusAsync(domain, [.. vcpus.Where(vcpu => !vcpu.IsOnline).Take(count - online).Select(vcpu => vcpu.Id)], online: true, owner, ct);
    }

    /// <summary>An agent may do a part of it and say how much: then it is asked for the rest.</summary>
    private async Task PutGuestVcpusAsync(Domain domain, ImmutableArray<int> ids, bool online, string owner, CancellationToken ct)
    {
        for (var left = ids; !left.IsEmpty;)
        {
            var vcpus = new JsonArray([.. left.Select(id => new JsonObject { ["logical-id"] = id, ["online"] = online })]);
            var done = await CountByAgentAsync(domain, "guest-set-vcpus", new JsonObject { ["vcpus"] = vcpus }, owner, ct);
            if (done <= 0 || done > left.Length)
                throw new WherryException(ErrorCode.InternalError, "guest agent returned malformed or invalid return value");
            left = left[done..];
        }
    }

    /// <remarks>
    /// A domain that is off is refused by libvirt's driver here; calls that libvirt refuses one step earlier, in another error domain, look with
    /// <see cref="DomainRefusals.RequireActive"/> first.
    /// </remarks>
    private static AgentSession AgentOf(Domain domain)
    {
        var now = domain.Snapshot;
        if (now.Status.State != DomainState.Running)
            throw new WherryException(ErrorCode.OperationInvalid, "domain is not running");
        var link = domain.Qemu?.Agent;
        if (link?.HasFailed == true)
            throw new WherryException(ErrorCode.AgentUnresponsive, "QEMU guest agent is not available due to an error");
        return link?.Session ?? throw (now.Definition.Spec.Channels.Any(channel => channel.IsGuestAgent)
            ? new WherryException(ErrorCode.AgentUnresponsive, "QEMU guest agent is not connected")
            : new WherryException(ErrorCode.ArgumentUnsupported, "QEMU guest agent is not configured"));
    }

    private static WherryException Malformed() => new(ErrorCode.InternalError, "malformed return value");

    /// <summary>Connects when the guest opens its end of the channel, and lets go when it closes it, until the run ends.</summary>
    private async Task FollowAgentAsync(Domain domain, QemuInstance qemu)
    {
        await Task.Yield();
        var (ending, path) = (qemu.GetEndingToken(), (string?)null);
        var options = new AgentOptions { Owner = domain.Name, TimeProvider = _time, Logger = _logger };
        try
        {
            while (true)
            {
                var changed = await domain.State.WaitAsync(now => now.Live?.Document.ConnectedAgent != path, ending);
                path = changed.Live?.Document.ConnectedAgent;
                await Run(domain, "guest agent", () => qemu.Agent.ChangeAsync(path, options, ending));
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The run is over.
        }
        finally
        {
            await qemu.Agent.CloseAsync();
        }
    }
}

/// <summary>A virtual CPU as the guest tells of it.</summary>
public sealed record GuestVcpu(int Id, bool IsOnline, bool CanOffline)
{
    /// <exception cref="WherryException">InternalError: the agent does not say what it has to.</exception>
    internal static GuestVcpu From(JsonElement vcpu)
    {
        if (!vcpu.TryGetProperty("logical-id", out var id) || !id.TryGetInt32(out var number) || number is < 0 or >= 16384)
            throw Missing("logical-id");
        if (!vcpu.TryGetProperty("online", out var online) || online.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            throw Missing("online");
        return vcpu.TryGetProperty("can-offline", out var can) && can.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? new GuestVcpu(number, online.GetBoolean(), can.GetBoolean())
            : throw Missing("can-offline");
    }

    private static WherryException Missing(string member) => new(ErrorCode.InternalError, $"'{member}' missing in reply of guest-get-vcpus");
}
