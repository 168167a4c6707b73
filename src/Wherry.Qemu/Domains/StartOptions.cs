namespace Wherry.Qemu.Domains;

/// <summary>How a domain is to be started.</summary>
public sealed record StartOptions
{
    /// <summary>Its CPUs stand still until it is resumed.</summary>
    public bool Paused { get; init; }

    /// <summary>Its UEFI variables are made anew from their template.</summary>
    public bool ResetNvram { get; init; }

    /// <summary>Whose end shall end the domain; null: nobody's.</summary>
    public object? AutodestroyOwner { get; init; }
}
