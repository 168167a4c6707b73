using Wherry.Qemu.Launch;
using Wherry.Xml;

namespace Wherry.Qemu.Domains;

// virsh domiftune.
public sealed partial class QemuDriver
{
    /// <summary>Limits what an interface may carry.</summary>
    /// <param name="device">Host device or MAC address.</param>
    /// <param name="change">The new bandwidth from the old one.</param>
    /// <exception cref="WherryException">InvalidArg: no such interface; ConfigUnsupported: not of this type; InternalError: the host refuses.</exception>
    public Task SetBandwidthAsync(
        Domain domain, string device, bool hasFloor, Func<BandwidthSpec?, BandwidthSpec> change, Affect affect, string owner, CancellationToken ct) => ModifyAsync(
        domain,
        affect,
        owner,
        async affected =>
        {
            var live = affected.Live is { } running ? FindInterface(running.Spec, device) : null;
            var config = affected.Config is { } stored ? FindInterface(stored.Spec, device) : null;
            if (live is { Type: InterfaceType.User } || config is { Type: InterfaceType.User })
                throw new WherryException(ErrorCode.ConfigUnsupported, "setting bandwidth on interfaces of type 'user' is not implemented yet");
            if (live is { TargetDev: { } tap })
            {
                if (hasFloor)
                {
                    throw new WherryException(
                        ErrorCode.OperationUnsupported,
                        $"Invalid use of 'floor' on interface with MAC address {live.Mac} - 'floor' is only supported for interface type 'network' "
                        + "with forward type 'nat', 'route', 'open' or none");
                }
                await SetBandwidthAsync(tap, live.Bandwidth, change(live.Bandwidth), ct);
            }
            return new DocumentChanges(
                live is null ? null : document => document.WithBandwidth(live.Mac, change(live.Bandwidth)),
                config is null ? null : document => document.WithBandwidth(config.Mac, change(config.Bandwidth)));
        },
        ct);

    /// <exception cref="WherryException">InvalidArg: there is none.</exception>
    public static InterfaceSpec FindInterface(DomainSpec spec, string device) =>
        spec.Interfaces.FirstOrDefault(nic => string.Equals(nic.Mac, device, StringComparison.OrdinalIgnoreCase) || nic.TargetDev == device)
        ?? throw new WherryException(ErrorCode.InvalidArg, $"'{device}' is not a known interface", ErrorDomain.Domain);

    private async Task SetBandwidthAsync(string tap, BandwidthSpec? old, BandwidthSpec wanted, CancellationToken ct)
    {
        try
        {
            await TrafficControl.SetAsync(_tools, tap, wanted, ct);
        }
        catch (WherryException)
        {
            if (old is not null)
            {
                try
                {
                    await TrafficControl.SetAsync(_tools, tap, old, ct);
                }
                catch (WherryException)
                {
                    // Why the new one cannot be set says more.
                }
            }
            throw;
        }
    }
}
