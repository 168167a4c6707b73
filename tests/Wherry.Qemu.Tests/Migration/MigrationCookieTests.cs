using System.Collections.Immutable;
using System.Text;
using Wherry.Errors;
using Wherry.Qemu.Migration.Cookie;

namespace Wherry.Qemu.Tests.Migration;

public sealed class MigrationCookieTests
{
    private static readonly Guid Domain = Guid.Parse("6d9c1a6e-4d0e-4a5b-9f0e-0d2f3b1c4a55");
    private static readonly Guid Alpha = Guid.Parse("aaaaaaaa-0000-4000-8000-000000000001");
    private static readonly Guid Bravo = Guid.Parse("bbbbbbbb-0000-4000-8000-000000000002");

    private static readonly MigrationCookie FromAlpha = new()
    {
        Name = "web1",
        Uuid = Domain,
        HostName = "alpha",
        HostUuid = Alpha,
        MandatoryFeatures = ["lockstate"],
        Nbd = new NbdSection(49153, [new NbdDisk("vda", 512 << 20), new NbdDisk("vdb", 1 << 20)]),
        Statistics = new CookieStatistics(
            1_700_000_000_000, 1_700_000_001_000, 1_700_000_001_100, DeltaMs: -3,
            ImmutableSortedDictionary<string, ulong>.Empty.Add("downtime", 80).Add("memory_total", 1 << 30)),
        Capabilities = [new CookieCapability("xbzrle", false), new CookieCapability("pause-before-switchover", true)],
        Handover = new HandoverSection(Guid.Parse("12345678-0000-4000-8000-000000000009"), "qemu+tcp://alpha/system", "boot-1"),
    };

    private static readonly CookieExpectation AtBravo = new("web1", Domain, Bravo, ["lockstate"]);

    [Fact]
    public void A_cookie_survives_the_wire_and_ends_in_a_NUL()
    {
        var bytes = FromAlpha.ToBytes();

        Assert.Equal(0, bytes[^1]);
        var read = MigrationCookie.Parse(bytes, AtBravo)!;
        Assert.Equal(FromAlpha.Name, read.Name);
        Assert.Equal(FromAlpha.HostUuid, read.HostUuid);
        Assert.Equal(FromAlpha.Handover, read.Handover);
        Assert.Equal(FromAlpha.Nbd!.Port, read.Nbd!.Port);
        Assert.Equal(FromAlpha.Nbd.Disks, read.Nbd.Disks);
        Assert.Equal(FromAlpha.Capabilities!.Value, read.Capabilities!.Value);
        Assert.Equal(FromAlpha.Statistics!.DeltaMs, read.Statistics!.DeltaMs);
        Assert.Equal(FromAlpha.Statistics.Values, read.Statistics.Values);
    }

    /// <summary>What a peer says of itself is dialled as root: it must choose neither a program, as ssh's URIs can, nor a certificate.</summary>
    [Theory]
    [Fault(96)]
    [InlineData("qemu+ssh://alpha/system?command=/images/evil")]
    [InlineData("qemu+ssh://root@charlie/system?proxy=netcat&netcat=/usr/sbin/poweroff")]
    [InlineData("qemu+tls://alpha/system?pkipath=/images/pki")]
    [InlineData("qemu+tls://alpha/system?no_verify=1")]
    [InlineData("qemu+tcp://user@alpha/system")]
    [InlineData("qemu+unix:///system?socket=/s&no_verify=1")]
    [InlineData("qemu+ext:///system?command=/images/evil")]
    [InlineData("test:///default")]
    [InlineData("alpha")]
    public void A_peer_names_itself_by_a_plain_address_or_is_refused(string peer)
    {
        var bad = FromAlpha with { Handover = FromAlpha.Handover! with { PeerUri = peer } };
        Assert.Contains(peer, Assert.Throws<WherryException>(() => MigrationCookie.Parse(bad.ToBytes(), AtBravo)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("qemu+tcp://10.71.1.1:16509/system")]
    [InlineData("qemu+tcp://[2001:db8::7]:16509/system")]
    [InlineData("qemu+tls://alpha:16514/system")]
    [InlineData("qemu+unix:///session?socket=/run/user/1000/wherry/libvirt-sock")]
    [InlineData("")]
    public void What_daemons_name_themselves_by_is_taken(string peer)
    {
        var good = FromAlpha with { Handover = FromAlpha.Handover! with { PeerUri = peer } };
        Assert.Equal(peer, MigrationCookie.Parse(good.ToBytes(), AtBravo)!.Handover!.PeerUri);
    }

    [Fact]
    public void An_empty_cookie_is_legal() => Assert.Null(MigrationCookie.Parse([], AtBravo));

    [Fact]
    public void A_stock_peers_cookie_carries_no_handover_and_unknown_elements_are_ignored()
    {
        var read = MigrationCookie.Parse(
            Bytes($"<qemu-migration><name>web1</name><uuid>{Domain}</uuid><hostname>alpha</hostname><hostuuid>{Alpha}</hostuuid>"
                + "<feature name='lockstate'/><something new='1'/></qemu-migration>"),
            AtBravo)!;

        Assert.Null(read.Handover);
        Assert.Null(read.Capabilities);
    }

    [Theory]
    [Fault(96)]
    [InlineData("<qemu-migration", "not well-formed")]
    [InlineData("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><qemu-migration>&e;</qemu-migration>", "not well-formed")]
    [InlineData("<other/>", "root element 'other'")]
    [InlineData("<qemu-migration><name>web1</name></qemu-migration>", "missing uuid")]
    [InlineData("<qemu-migration><name>web1</name><uuid>zz</uuid></qemu-migration>", "malformed uuid")]
    public void Damaged_text_is_refused_with_what_is_wrong(string text, string expected)
    {
        var error = Assert.Throws<WherryException>(() => MigrationCookie.Parse(Bytes(text), AtBravo));

        Assert.Equal(ErrorCode.InternalError, error.Code);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Fault(96)]
    public void A_cookie_without_its_NUL_or_over_the_limit_is_refused()
    {
        var bytes = FromAlpha.ToBytes();

        Assert.Contains("not NULL terminated", Refusal(bytes[..^1]), StringComparison.Ordinal);
        Assert.Contains("exceeds the limit", Refusal(new byte[MigrationCookie.MaxBytes + 1]), StringComparison.Ordinal);
    }

    [Fact]
    [Fault(96, 98)]
    public void A_cookie_of_another_guest_or_of_this_very_host_is_refused()
    {
        Assert.Contains("unexpected name web2 vs web1", Refusal((FromAlpha with { Name = "web2" }).ToBytes()), StringComparison.Ordinal);
        Assert.Contains("unexpected UUID", Refusal((FromAlpha with { Uuid = Alpha }).ToBytes()), StringComparison.Ordinal);
        Assert.Contains("same host", Refusal((FromAlpha with { HostUuid = Bravo }).ToBytes()), StringComparison.Ordinal);
        Assert.Contains(
            "Unsupported migration cookie feature teleport",
            Refusal((FromAlpha with { MandatoryFeatures = ["teleport"] }).ToBytes()),
            StringComparison.Ordinal);
    }

    private static string Refusal(byte[] bytes) =>
        Assert.Throws<WherryException>(() => MigrationCookie.Parse(bytes, AtBravo)).Message;

    private static byte[] Bytes(string text) => [.. Encoding.UTF8.GetBytes(text), 0];
}
