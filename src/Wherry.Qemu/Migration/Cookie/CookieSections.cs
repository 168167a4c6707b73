using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;
using Wherry.Qemu.Domains.Jobs;

namespace Wherry.Qemu.Migration.Cookie;

/// <summary>
/// The disk copy, as both sides tell each other about it.
/// Begin: disks with capacities. Prepare: the NBD port. Perform: present and empty, which lets a stock destination stop its server.
/// </summary>
/// <param name="Port">TCP port of the destination's NBD server; 0 when not TCP or not known yet.</param>
/// <param name="Disks">Disks to be copied.</param>
public sealed record NbdSection(int Port, ImmutableArray<NbdDisk> Disks)
{
    internal XElement ToElement() => new(
        "nbd",
        Port == 0 ? null : new XAttribute("port", Port),
        Disks.Select(d => new XElement("disk", new XAttribute("target", d.Target), new XAttribute("capacity", d.CapacityBytes))));

    internal static NbdSection FromElement(XElement nbd)
    {
        var port = (string?)nbd.Attribute("port") is { } text ? MigrationCookie.ReadNumber(text, "nbd port") : 0;
        if (port > ushort.MaxValue)
            throw MigrationCookie.Bad($"Malformed nbd port '{port}'");

        return new NbdSection(
            (int)port,
            [.. nbd.Elements("disk").Select(d => new NbdDisk(
                (string?)d.Attribute("target") ?? throw MigrationCookie.Bad("Malformed disk target"),
                MigrationCookie.ReadNumber((string?)d.Attribute("capacity") ?? "", "disk capacity")))]);
    }
}

/// <param name="Target">Guest-visible target name such as <c>vda</c>.</param>
/// <param name="CapacityBytes">Virtual size of the source image.</param>
public sealed record NbdDisk(string Target, ulong CapacityBytes);

/// <param name="Name">QAPI name of the capability.</param>
/// <param name="Automatic">True when the sender always turns it on.</param>
public sealed record CookieCapability(string Name, bool Automatic)
{
    internal XElement ToElement() =>
        new("cap", new XAttribute("name", Name), new XAttribute("auto", Automatic ? "yes" : "no"));

    internal static CookieCapability FromElement(XElement cap) => new(
        (string?)cap.Attribute("name") ?? throw MigrationCookie.Bad("missing migration capability name"),
        (string?)cap.Attribute("auto") == "yes");
}

/// <summary>Our extension of the cookie. Its echo by the destination is what makes the safe hand-over possible.</summary>
/// <param name="HandoverId">Made by the source at Begin, never reused.</param>
/// <param name="PeerUri">How the other daemon reaches the writer; empty when it cannot be reached.</param>
/// <param name="BootId">The writer's kernel boot id: tells a daemon restart from a host reboot.</param>
/// <param name="Answer">Finish to Confirm: <c>run</c>, the destination's own word, for a source that has no connection to it.</param>
public sealed record HandoverSection(Guid HandoverId, string PeerUri, string BootId, string? Answer = null)
{
    private const string Version = "1";

    internal XElement ToElement() => new(
        "wherry",
        new XAttribute("version", Version),
        new XAttribute("handover", HandoverId.ToString("D")),
        new XAttribute("peer", PeerUri),
        new XAttribute("boot", BootId),
        Answer is null ? null : new XAttribute("answer", Answer));

    /// <summary>An unknown version is a peer whose hand-over we cannot follow: it is treated like a stock one.</summary>
    internal static HandoverSection? FromElement(XElement wherry)
    {
        if ((string?)wherry.Attribute("version") != Version)
            return null;

        var peer = (string?)wherry.Attribute("peer") ?? "";
        if (peer.Length > 0 && !Migration.PeerUri.MayComeFromPeer(peer))
            throw MigrationCookie.Bad($"peer '{peer}' in migration data is not a daemon's own qemu+tcp, qemu+tls or qemu+unix address");

        return Guid.TryParseExact((string?)wherry.Attribute("handover"), "D", out var id)
            ? new HandoverSection(id, peer, (string?)wherry.Attribute("boot") ?? "", (string?)wherry.Attribute("answer"))
            : throw MigrationCookie.Bad("malformed handover id in migration data");
    }
}

/// <summary>The job's figures on their way between the hosts. Element names are those of the job statistics; times are ms.</summary>
/// <param name="StartedMs">Start of the job on the source, ms since the epoch by the source's clock.</param>
/// <param name="StoppedMs">The moment the guest stopped on the source, same clock; 0 when not stopped.</param>
/// <param name="SentMs">The moment this cookie was made, same clock.</param>
/// <param name="DeltaMs">Clock of the destination minus clock of the source.</param>
/// <param name="Values">Every other figure by its job statistics name.</param>
public sealed record CookieStatistics(
    ulong StartedMs, ulong StoppedMs, ulong SentMs, long? DeltaMs, ImmutableSortedDictionary<string, ulong> Values)
{
    /// <summary>The same as the destination shows it after the migration (<c>domjobinfo --completed</c>).</summary>
    public JobStats ToJobStats() => new()
    {
        Type = JobType.Completed,
        Operation = JobOperation.MigrationIn,
        TimeElapsedMs = Values.GetValueOrDefault("time_elapsed"),
        TimeElapsedNetMs = Net(Values.GetValueOrDefault("time_elapsed")),
        DowntimeMs = Values.GetValueOrDefault("downtime"),
        DowntimeNetMs = Net(Values.GetValueOrDefault("downtime")),
        SetupTimeMs = Values.TryGetValue("setup_time", out var setup) ? setup : null,
        Memory = Transfer("memory"),
        Disk = Transfer("disk"),
        MemoryDetail = new MemoryDetail
        {
            ConstantPages = Values.GetValueOrDefault("memory_constant"),
            NormalPages = Values.GetValueOrDefault("memory_normal"),
            NormalBytes = Values.GetValueOrDefault("memory_normal_bytes"),
            DirtyRate = Values.GetValueOrDefault("memory_dirty_rate"),
            Iteration = Values.GetValueOrDefault("memory_iteration"),
            PageSize = Values.GetValueOrDefault("memory_page_size"),
        },
        Compression = Values.TryGetValue("compression_cache", out var cache)
            ? new CompressionStats(
                cache,
                Values.GetValueOrDefault("compression_bytes"),
                Values.GetValueOrDefault("compression_pages"),
                Values.GetValueOrDefault("compression_cache_misses"),
                Values.GetValueOrDefault("compression_overflow"))
            : null,
    };

    /// <summary>A time without what the clocks differ by and the cookie's way took; null when that is not known or is all of it.</summary>
    public ulong? Net(ulong milliseconds) =>
        DeltaMs is { } delta && (long)milliseconds > delta ? (ulong)((long)milliseconds - delta) : null;

    private TransferStats Transfer(string prefix) => new(
        Values.GetValueOrDefault($"{prefix}_total"),
        Values.GetValueOrDefault($"{prefix}_processed"),
        Values.GetValueOrDefault($"{prefix}_remaining"),
        Values.GetValueOrDefault($"{prefix}_bps"));

    internal XElement ToElement()
    {
        var element = new XElement(
            "statistics",
            new XElement("started", StartedMs),
            new XElement("stopped", StoppedMs),
            new XElement("sent", SentMs),
            DeltaMs is { } delta ? new XElement("delta", delta) : null);
        element.Add(Values.Select(pair => new XElement(pair.Key, pair.Value)));
        return element;
    }

    internal static CookieStatistics FromElement(XElement statistics)
    {
        ulong Number(string name) =>
            statistics.Element(name)?.Value is { } text ? MigrationCookie.ReadNumber(text, name) : 0;

        long? delta = null;
        if (statistics.Element("delta")?.Value is { } deltaText)
        {
            delta = long.TryParse(deltaText, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed)
                ? parsed
                : throw MigrationCookie.Bad($"migration cookie: delta '{deltaText}' is not a number");
        }

        var values = statistics.Elements()
            .Where(e => e.Name.LocalName is not ("started" or "stopped" or "sent" or "delta"))
            .Where(e => ulong.TryParse(e.Value, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .GroupBy(e => e.Name.LocalName, StringComparer.Ordinal)
            .ToImmutableSortedDictionary(g => g.Key, g => ulong.Parse(g.Last().Value, CultureInfo.InvariantCulture), StringComparer.Ordinal);
        return new CookieStatistics(Number("started"), Number("stopped"), Number("sent"), delta, values);
    }
}
