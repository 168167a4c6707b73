using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Wherry.Qmp.Commands;

// Plugging. QEMU: qapi/qdev.json, machine.json.

/// <summary>Plugs a device.</summary>
/// <param name="Id">Alias.</param>
public sealed record DeviceAdd(string Driver, string Id) : QmpCommand<QmpEmpty>("device_add", DevicesJson.Default.QmpEmpty, DevicesJson.Default.DeviceAdd)
{
    /// <summary>The driver's own properties, which the schema does not describe.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Properties { get; set; } // The serializer's generator asks for a setter here.
}

/// <summary>Asks the guest to let go of a device. It is gone with the event DEVICE_DELETED.</summary>
/// <param name="Id">Alias, or QOM path.</param>
public sealed record DeviceDel(string Id) : QmpCommand<QmpEmpty>("device_del", DevicesJson.Default.QmpEmpty, DevicesJson.Default.DeviceDel);

public sealed record QueryHotpluggableCpus()
    : QmpCommand<ImmutableArray<HotpluggableCpu>>("query-hotpluggable-cpus", DevicesJson.Default.ImmutableArrayHotpluggableCpu);

/// <param name="Type">The driver to plug.</param>
/// <param name="VcpusCount">Virtual CPUs that come and go together.</param>
/// <param name="Props">Where it is: socket-id, core-id and so on; given back to plug it.</param>
/// <param name="QomPath">null when it is not there.</param>
public sealed record HotpluggableCpu(string Type, int VcpusCount, JsonElement Props, string? QomPath);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(QmpEmpty))]
[JsonSerializable(typeof(DeviceAdd))]
[JsonSerializable(typeof(DeviceDel))]
[JsonSerializable(typeof(ImmutableArray<HotpluggableCpu>))]
internal sealed partial class DevicesJson : JsonSerializerContext;
