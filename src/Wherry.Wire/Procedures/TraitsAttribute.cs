namespace Wherry.Wire.Procedures;

/// <summary>What is true of a procedure wherever it is handled; stands beside its number. Without it: read-write, ordinary, after authentication.</summary>
[AttributeUsage(AttributeTargets.Field)]
public sealed class TraitsAttribute : Attribute
{
    /// <summary>A read-only connection may call it.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Never waits for a guest, so it may overtake calls that do.</summary>
    public bool Priority { get; init; }

    /// <summary>libvirt's API function, which a refusal names; null where it is "vir" and the constant's name.</summary>
    public string? Api { get; init; }

    /// <summary>Part of authentication itself.</summary>
    public bool BeforeAuth { get; init; }
}
