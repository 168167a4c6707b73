using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace Wherry.Qmp;

/// <summary>An event as QEMU sent it, with its place in the order of arrival.</summary>
/// <param name="Sequence">
/// Position among all events and replies of the session. An event with a smaller number than a reply's arrived before that reply, so what the
/// reply says is newer. Order is decided by this only, never by <paramref name="Timestamp"/>: QEMU's clock readings are not monotone from
/// event to event.
/// </param>
/// <param name="Name">QEMU's name, such as <c>JOB_STATUS_CHANGE</c>.</param>
/// <param name="Timestamp">QEMU's wall clock; for display (<c>qemu-monitor-event</c>) only.</param>
/// <param name="Data">The event's data object; <see cref="JsonValueKind.Undefined"/> when it has none.</param>
public sealed record QmpEvent(long Sequence, string Name, QmpTimestamp Timestamp, JsonElement Data)
{
    /// <summary>
    /// Not QEMU's: stands in the stream where events were dropped because the reader lagged by <see cref="MonitorOptions.EventCapacity"/>.
    /// Whoever reads it must query the state anew.
    /// </summary>
    public const string Overflow = "WHERRY_EVENTS_DROPPED";

    /// <summary>Whether this is the event <paramref name="type"/>, and its data if so.</summary>
    public bool Is<T>(QmpEventType<T> type, [NotNullWhen(true)] out T? data)
        where T : class
    {
        data = Name == type.Name ? Data.Deserialize(type.Data) : null;
        return data is not null;
    }
}

/// <summary>QEMU's wall clock at an event, in the two numbers it sends.</summary>
/// <param name="Seconds">Since the epoch; -1 when QEMU could not read its clock.</param>
/// <param name="Microseconds">Within the second; -1 likewise.</param>
public readonly record struct QmpTimestamp(long Seconds, int Microseconds);
