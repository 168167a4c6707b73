using System.Text.Json.Serialization;

namespace Wherry.Qmp.Values;

/// <summary>How far a CPU model is spelled out (QAPI CpuModelExpansionType).</summary>
[JsonConverter(typeof(OpenEnumConverter<CpuModelExpansionType>))]
public readonly record struct CpuModelExpansionType(string Value) : IOpenEnum<CpuModelExpansionType>
{
    /// <summary>A migration-safe base model and the differences to it.</summary>
    public static readonly CpuModelExpansionType Static = new("static");

    /// <summary>Every property.</summary>
    public static readonly CpuModelExpansionType Full = new("full");

    public static CpuModelExpansionType From(string value) => new(value);

    public override string ToString() => Value;
}
