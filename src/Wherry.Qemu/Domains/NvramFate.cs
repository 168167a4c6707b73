namespace Wherry.Qemu.Domains;

/// <summary>What becomes of a guest's UEFI variables when its definition is removed.</summary>
public enum NvramFate
{
    /// <summary>They are not lost unasked: the definition stays.</summary>
    Refuse,
    Keep,
    Remove,
}
