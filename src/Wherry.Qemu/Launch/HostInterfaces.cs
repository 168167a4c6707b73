using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Wherry.Qemu.Process;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// Host ends of a domain's interfaces, made for one start. QEMU inherits <see cref="Handles"/>; dispose when it runs, or when it could not
/// be started: what QEMU has inherited lives on with it, the rest disappears. Ports of Open vSwitch stay only when <see cref="Keep"/> was called.
/// </summary>
public sealed class HostInterfaces : IAsyncDisposable
{
    private readonly ToolRunner _tools;
    private readonly List<string> _ports = [];
    private readonly ImmutableArray<(string Alias, TapDevice Tap, ImmutableArray<SafeFileHandle> Vhost)> _interfaces;

    private HostInterfaces(ToolRunner tools, ImmutableArray<(string Alias, TapDevice Tap, ImmutableArray<SafeFileHandle> Vhost)> interfaces)
    {
        _tools = tools;
        _interfaces = interfaces;
    }

    /// <summary>All descriptors; QEMU must get them under the numbers they have here.</summary>
    public ImmutableArray<SafeHandle> Handles =>
        [.. _interfaces.SelectMany(nic => nic.Tap.Queues.Concat(nic.Vhost)).Cast<SafeHandle>()];

    /// <summary>The queues of all taps.</summary>
    public ImmutableArray<SafeFileHandle> Queues => [.. _interfaces.SelectMany(nic => nic.Tap.Queues)];

    public ImmutableArray<SafeFileHandle> Vhost => [.. _interfaces.SelectMany(nic => nic.Vhost)];

    /// <summary>For <see cref="LaunchContext.Taps"/>.</summary>
    public ImmutableDictionary<string, TapDescriptors> Descriptors => _interfaces.ToImmutableDictionary(
        nic => nic.Alias,
        nic => new TapDescriptors([.. nic.Tap.Queues.Select(Number)], [.. nic.Vhost.Select(Number)]),
        StringComparer.Ordinal);

    /// <summary>Names of the tap devices by interface alias: they belong into the live XML.</summary>
    public ImmutableDictionary<string, string> Names =>
        _interfaces.ToImmutableDictionary(nic => nic.Alias, nic => nic.Tap.Name, StringComparer.Ordinal);

    /// <exception cref="WherryException">An interface could not be made, joined or limited; none is left behind.</exception>
    public static async Task<HostInterfaces> CreateAsync(DomainSpec spec, ToolRunner tools, CancellationToken ct)
    {
        var interfaces = Create(spec, tools);
        try
        {
            await interfaces.JoinAsync(spec, ct);
            await interfaces.LimitAsync(spec, ct);
            return interfaces;
        }
        catch
        {
            await interfaces.DisposeAsync();
            throw;
        }
    }

    /// <summary>QEMU has them.</summary>
    public void Keep() => _ports.Clear();

    private static HostInterfaces Create(DomainSpec spec, ToolRunner tools)
    {
        var made = ImmutableArray.CreateBuilder<(string, TapDevice, ImmutableArray<SafeFileHandle>)>();
        try
        {
            foreach (var nic in spec.Interfaces.Where(nic => nic.Type != InterfaceType.User))
            {
                var tap = TapDevice.Create(nic);
                made.Add((nic.Alias!, tap, [])); // Held before vhost is tried, so that a failure there releases it. Aliases are set at launch.
                made[^1] = (nic.Alias!, tap, OpenVhost(spec, nic, tap.Queues.Length));
            }
        }
        catch
        {
            new HostInterfaces(tools, made.ToImmutable()).Close();
            throw;
        }
        return new HostInterfaces(tools, made.ToImmutable());
    }

    private async Task JoinAsync(DomainSpec spec, CancellationToken ct)
    {
        foreach (var (alias, tap, _) in _interfaces)
        {
            if (spec.Interfaces.First(nic => nic.Alias == alias) is not { IsOwnPort: true } nic)
                continue;
            _ports.Add(tap.Name);
            await OpenVswitch.AddPortAsync(_tools, nic, tap.Name, spec.Uuid, ct);
            NetDevice.SetUp(tap.Name);
        }
    }

    /// <summary>Gives each the bandwidth that its definition allows it.</summary>
    private async Task LimitAsync(DomainSpec spec, CancellationToken ct)
    {
        foreach (var (alias, tap, _) in _interfaces)
        {
            if (spec.Interfaces.FirstOrDefault(nic => nic.Alias == alias)?.Bandwidth is { } bandwidth)
                await TrafficControl.SetAsync(_tools, tap.Name, bandwidth, ct);
        }
    }

    public async ValueTask DisposeAsync()
    {
        // What kept the domain from starting is told already, and is most likely the cause if a port stays.
        foreach (var port in _ports)
            await OpenVswitch.TryRemovePortAsync(_tools, port);
        Close();
    }

    private void Close()
    {
        foreach (var (_, tap, vhost) in _interfaces)
        {
            tap.Dispose();
            foreach (var handle in vhost)
                handle.Dispose();
        }
    }

    /// <summary>
    /// vhost moves packets in the kernel instead of in QEMU; the guest cannot tell. As in libvirt only for KVM guests, unless the driver is
    /// named, and silently without it where the device is missing.
    /// </summary>
    private static ImmutableArray<SafeFileHandle> OpenVhost(DomainSpec spec, InterfaceSpec nic, int queues)
    {
        if (spec.Type != DomainType.Kvm || nic.DriverName == "qemu")
            return [];
        if (!Interfaces.IsVirtio(nic))
        {
            return nic.DriverName == "vhost"
                ? throw new WherryException(ErrorCode.ConfigUnsupported, "vhost-net is only supported for virtio network interfaces")
                : [];
        }
        var handles = ImmutableArray.CreateBuilder<SafeFileHandle>(queues);
        try
        {
            for (var i = 0; i < queues; i++)
                handles.Add(File.OpenHandle("/dev/vhost-net", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite));
            return handles.MoveToImmutable();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            foreach (var handle in handles)
                handle.Dispose();
            return nic.DriverName == "vhost"
                ? throw new WherryException(ErrorCode.ConfigUnsupported, "vhost-net was requested for an interface, but is unavailable", inner: e)
                : [];
        }
    }

    private static int Number(SafeFileHandle handle) => (int)handle.DangerousGetHandle();
}
