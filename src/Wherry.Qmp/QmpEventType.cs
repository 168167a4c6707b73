using System.Text.Json.Serialization.Metadata;

namespace Wherry.Qmp;

/// <summary>An event's name together with the type of its data; the known ones are in <see cref="Events.QmpEvents"/>.</summary>
public sealed record QmpEventType<T>(string Name, JsonTypeInfo<T> Data)
    where T : class;
