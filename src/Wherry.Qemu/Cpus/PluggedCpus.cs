using System.Collections.Immutable;
using System.Text.Json;
using Wherry.Qmp;
using Wherry.Qmp.Commands;
using Wherry.Xml;

namespace Wherry.Qemu.Cpus;

/// <summary>The virtual CPUs of a running guest, as QEMU tells: which are there, and which can come and go.</summary>
/// <param name="Cpus">By number. x86 machines plug them one by one.</param>
internal sealed record PluggedCpus(ImmutableArray<PluggedCpu> Cpus)
{
    private const string Peripheral = "/machine/peripheral/";

    public ImmutableArray<VcpuState> States =>
        [.. Cpus.Select((cpu, id) => new VcpuState(id, cpu.IsThere, cpu.Alias is not null || !cpu.IsThere, cpu.Order))];

    /// <exception cref="WherryException">OperationUnsupported: this machine's CPUs do not come and go one by one.</exception>
    public static async Task<PluggedCpus> AskAsync(MonitorSession monitor, CancellationToken ct)
    {
        var slots = await monitor.ExecuteAsync(new QueryHotpluggableCpus(), ct);
        var running = await monitor.ExecuteAsync(new QueryCpusFast(), ct);
        if (slots.Any(slot => slot.VcpusCount != 1))
            throw new WherryException(ErrorCode.OperationUnsupported, "cpu hotplug is not supported");
        var order = slots.Where(slot => slot.QomPath is not null).Select(slot => slot.QomPath!)
            .OrderBy(path => running.TakeWhile(cpu => cpu.QomPath != path).Count()).ToList();
        return new PluggedCpus(
        [
            .. slots.OrderBy(slot => Place(slot.Props, "node-id")).ThenBy(slot => Place(slot.Props, "socket-id")).ThenBy(slot => Place(slot.Props, "die-id"))
                .ThenBy(slot => Place(slot.Props, "core-id")).ThenBy(slot => Place(slot.Props, "thread-id"))
                .Select(slot => new PluggedCpu(
                    slot.Type,
                    slot.Props,
                    slot.QomPath?.StartsWith(Peripheral, StringComparison.Ordinal) == true ? slot.QomPath[Peripheral.Length..] : null,
                    slot.QomPath is null ? 0 : order.IndexOf(slot.QomPath) + 1)),
        ]);
    }

    private static int Place(JsonElement props, string name) => props.TryGetProperty(name, out var place) ? place.GetInt32() : -1;
}

/// <param name="Type">QEMU's driver.</param>
/// <param name="Props">Where it is in the machine.</param>
/// <param name="Alias">null for one that is not there, or that QEMU was started with: that cannot be taken out.</param>
/// <param name="Order">From 1, in which they came; 0 when it is not there.</param>
internal sealed record PluggedCpu(string Type, JsonElement Props, string? Alias, int Order)
{
    public bool IsThere => Order != 0;

    public static string AliasOf(int vcpu) => $"vcpu{vcpu}";

    public DeviceAdd Plug(int vcpu) => new(Type, AliasOf(vcpu))
    {
        Properties = Props.EnumerateObject().ToDictionary(place => place.Name, place => place.Value),
    };
}
