using System.Collections.Immutable;
using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>Contexts with fixed descriptors, paths and time, so that the same spec always gives the same text.</summary>
internal static class LaunchContexts
{
    public static LaunchContext Fixed { get; } = new()
    {
        DomainDirectory = "/var/lib/libvirt/qemu/domain-1-guest",
        ChannelDirectory = "/var/lib/libvirt/qemu/channel/target/domain-1-guest",
        MonitorFd = 30,
        Features = new EmulatorFeatures(),
        Now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        VncPort = 5901,
    };

    /// <summary>A context with a tap descriptor for each queue of each interface that needs one, numbered from 40.</summary>
    public static LaunchContext WithTaps(this LaunchContext context, DomainSpec spec)
    {
        var fd = 40;
        return context with
        {
            Taps = spec.Interfaces.Where(nic => nic.Type != InterfaceType.User).ToImmutableDictionary(
                nic => nic.Alias!,
                nic => new TapDescriptors([.. Enumerable.Range(0, nic.Queues ?? 1).Select(_ => fd++)], [])),
        };
    }
}
