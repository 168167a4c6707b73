using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// Ports of Open vSwitch's bridges, by ovs-vsctl(8) as libvirt makes and removes them. Unlike a port of a kernel bridge one outlives its tap: it is in
/// the switch's database until somebody removes it.
/// </summary>
internal static class OpenVswitch
{
    private const string Tool = "ovs-vsctl";

    /// <summary>Seconds; libvirt's default.</summary>
    private const string Timeout = "--timeout=5";

    /// <summary>
    /// A name that no other domain gets, as OpenStack forms it. The kernel's next free one could be another domain's by the time that a port of that name is
    /// removed from the switch.
    /// </summary>
    public static string TapName(VirtualPortSpec port) => "tap" + port.InterfaceId.ToString("D")[..11];

    /// <exception cref="WherryException">InternalError: the switch refuses, with its words, or there is no ovs-vsctl.</exception>
    public static Task AddPortAsync(ToolRunner tools, InterfaceSpec nic, string tap, Guid domain, CancellationToken ct) =>
        RunAsync(tools, AddPort(nic, tap, domain), $"Unable to add port {tap} to OVS bridge {nic.SourceBridge}", ct);

    /// <summary>Takes a port out, if there is one of that name.</summary>
    /// <returns>Why it is still there; null: it is not.</returns>
    public static async Task<string?> TryRemovePortAsync(ToolRunner tools, string tap)
    {
        try
        {
            await RunAsync(tools, [Timeout, "--", "--if-exists", "del-port", tap], $"Unable to delete port {tap} from OVS", CancellationToken.None);
            return null;
        }
        catch (WherryException e)
        {
            return e.Message;
        }
    }

    internal static string[] AddPort(InterfaceSpec nic, string tap, Guid domain)
    {
        var port = nic.VirtualPort!; // ! : the caller has looked
        string[] ids =
        [
            $"external-ids:attached-mac=\"{nic.Mac}\"",
            $"external-ids:iface-id=\"{port.InterfaceId:D}\"",
            $"external-ids:vm-id=\"{domain:D}\"",
            .. port.ProfileId is { } profile ? (string[])[$"external-ids:port-profile=\"{profile}\"", $"external-ids:ifname=\"{tap}\""] : [],
            "external-ids:iface-status=active",
        ];
        return
        [
            Timeout, "--", "--may-exist", "add-port", nic.SourceBridge!, tap, // ! : a bridge interface has one
            .. ids.SelectMany(id => (string[])["--", "set", "Interface", tap, id]),
        ];
    }

    private static async Task RunAsync(ToolRunner tools, string[] arguments, string otherwise, CancellationToken ct)
    {
        try
        {
            await tools.RunAsync(ToolRunner.Find(Tool), arguments, ct);
        }
        catch (WherryException e)
        {
            throw new WherryException(ErrorCode.InternalError, $"{otherwise}: {e.Detail ?? e.Message}", ErrorDomain.None, e);
        }
    }
}
