using System.Buffers.Binary;
using System.Text;
using Wherry.Testbed;
using Wherry.Testbed.Proxies;
using Wherry.Wire.Remote;
using Wherry.Wire.Xdr;

namespace Wherry.Fault.Tests.Protocol;

/// <summary>What a destination makes of a cookie that is not as it should be: it says why, and the guest at the source never notices.</summary>
public sealed class CookieTests(CookieTests.Hosts hosts, ITestOutputHelper output) : IClassFixture<CookieTests.Hosts>
{
    private const int TooMuch = 5 * 1024 * 1024;

    [Fact]
    [Fault(96)]
    public async Task A_damaged_foreign_or_oversized_cookie_is_refused_before_anything_is_made()
    {
        await using var crossing = await hosts.EnterAsync(output);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        var destination = crossing.To.Host.Uuid;
        foreach (var (what, spoil, why) in ((string, Func<byte[], byte[]>, string)[])
        [
            ("no NUL", cookie => cookie[..^1], "not NULL terminated"),
            ("truncated", cookie => [.. cookie[..(cookie.Length / 2)], 0], "well-formed"),
            ("5 MiB", _ => new byte[TooMuch], "decode message payload"),
            ("no XML", _ => Text("not XML at all"), "well-formed"),
            ("an entity of a file", _ => Text("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/hostname'>]><qemu-migration>&e;</qemu-migration>"), "well-formed"),
            ("another name", Replace($"<name>{crossing.Name}</name>", "<name>somebody</name>"), "unexpected name"),
            ("another uuid", Replace($"<uuid>{crossing.Passage.Domain.Uuid}</uuid>", $"<uuid>{Guid.NewGuid()}</uuid>"), "unexpected UUID"),
            ("this very host", Replace($"{crossing.From.Host.Uuid}", $"{destination}"), "same host"),
            ("an unknown feature", Replace("</qemu-migration>", "<feature name='teleport'/></qemu-migration>"), "teleport"),
        ])
        {
            await using var proxy = new RpcProxy(crossing.To);
            var altered = proxy.Alter(RpcFrame.Call(RemoteProcedure.DomainMigratePrepare3Params), bytes => WithCookie(bytes, spoil));
            var refused = await crossing.MoveAsync(proxy.Uri);
            Assert.Equal(1, altered.Count);
            Assert.False(refused.Succeeded, what);
            output.WriteLine($"{what}: {refused.Error.Trim()}");
            Assert.True(refused.Error.Contains(why, StringComparison.Ordinal), $"{what}: {refused}\n{crossing.Logs()}");
            Assert.Null(await crossing.Passage.StateAsync(crossing.To));
        }

        Assert.Single(crossing.Passage.Timeline.Pids, pid => File.Exists($"/proc/{pid}/exe"));
        output.WriteLine($"the guest was never silent for more than {crossing.Passage.Timeline.LongestSilence(began).TotalMilliseconds:0} ms");
        await crossing.EndsAtAsync(crossing.From, again: true);
    }

    [Fact]
    [Fault(96)]
    public async Task An_element_that_nobody_knows_is_passed_over()
    {
        await using var crossing = await hosts.EnterAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        proxy.Alter(
            RpcFrame.Call(RemoteProcedure.DomainMigratePrepare3Params),
            bytes => WithCookie(bytes, Replace("</qemu-migration>", "<news from='2031'><deep/></news></qemu-migration>")));
        await crossing.MovedAsync(await crossing.MoveAsync(proxy.Uri));
    }

    /// <summary>Which is legal; but then the source is one that has no hand-over ids, and cannot ask by one whether its guest may run.</summary>
    [Fact]
    [Fault(96)]
    public async Task A_cookie_that_was_emptied_on_its_way_leaves_the_guest_where_it_is()
    {
        await using var crossing = await hosts.EnterAsync(output);
        await using var proxy = new RpcProxy(crossing.To);
        proxy.Alter(RpcFrame.Call(RemoteProcedure.DomainMigratePrepare3Params), bytes => WithCookie(bytes, _ => []));
        var moved = await crossing.MoveAsync(proxy.Uri);
        await crossing.UntilAsync("its half there ends", async () => await crossing.Passage.StateAsync(crossing.To) is null);
        await crossing.StayedAsync(moved);
    }

    private static Func<byte[], byte[]> Replace(string old, string with) => cookie =>
    {
        var text = Encoding.UTF8.GetString(cookie).Replace('"', '\'');
        var replaced = text.Replace(old, with, StringComparison.Ordinal);
        return text != replaced ? Encoding.UTF8.GetBytes(replaced) : throw new InvalidOperationException($"no {old} in {text}");
    };

    private static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    /// <summary>Prepare's arguments with another cookie, which may break the limits that our own encoder keeps.</summary>
    private static byte[] WithCookie(byte[] bytes, Func<byte[], byte[]> spoil)
    {
        var reader = new XdrReader(bytes.AsSpan(RpcFrame.PayloadOffset));
        var old = DomainMigratePrepare3ParamsArgs.Decode(ref reader).CookieIn;
        var cookie = spoil([.. old]);
        const int word = 4;
        var before = bytes.Length - word - Padded(old.Length) - word; // parameters, then length and cookie, then flags
        byte[] altered = [.. bytes[..before], .. Word(cookie.Length), .. cookie, .. new byte[Padded(cookie.Length) - cookie.Length], .. bytes[^word..]];
        Word(altered.Length).CopyTo(altered, 0);
        return altered;
    }

    private static int Padded(int length) => (length + 3) & ~3;

    private static byte[] Word(int value)
    {
        var word = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(word, value);
        return word;
    }

    public sealed class Hosts() : Crossings(new PassageOptions { Bystander = true });
}
