using Wherry.Qemu.Domains;
using Wherry.Qemu.Migration;
using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Migration.Source;
using Wherry.Qemu.State;
using Wherry.Qemu.Tests.Migration.Simulation;
using Wherry.Qmp.Values;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>Events only say "look". The clocks stand still, so that nothing happens for the sole reason that half a second has passed.</summary>
public sealed class LostEventsTests(ProbedEmulators emulators) : IClassFixture<ProbedEmulators>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>As when all its events have been looked at before we know that QEMU has taken our command: nothing comes after them.</summary>
    [Fact]
    [Trait("req", "S0.14")]
    public async Task What_becomes_of_a_stream_is_seen_though_none_of_its_events_comes_after_the_reply()
    {
        await using var hosts = await TwoHosts.StartAsync(emulators, disks: 1, Ct);
        var seen = new VersionedState<StreamStatus>(StreamStatus.None);
        await using var source = new SourceQemu(hosts.Guest.Qemu!, hosts.Alpha.Clock, look => seen.Publish(look.Stream)); // ! : it runs
        await source.MirrorAsync(
            new MirrorOrder(
                [new MirroredDisk("vda", "virtio-disk0", "libvirt-1-format", 1 << 20)],
                SocketAddress.Inet("bravo", 49152),
                TopLayerOnly: false,
                SpeedBytesPerSecond: () => 0),
            largestBacklogBytes: 1 << 20,
            Ct).Within();
        await hosts.Alpha.Clock.WaitForTimerAsync(Lookout.LookInterval); // Whoever looks waits for an event now.
        hosts.Source.Events.Drop("MIGRATION");
        await source.SendAsync(MigrationUri.Parse("tcp://bravo:49153"), StreamSettings.From(MigrationParty.Source, MigrationFlags.None, MigrationParameters.Default), tls: null, Ct).Within();
        Assert.Equal(StreamStatus.Failed, await seen.WaitAsync(status => status != StreamStatus.None, Ct).Within());
    }
}
