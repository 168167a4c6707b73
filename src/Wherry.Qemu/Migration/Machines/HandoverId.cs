namespace Wherry.Qemu.Migration.Machines;

/// <summary>
/// Names one attempt to hand a guest over. Made by the source at Begin, echoed by the destination, never reused: a message of an
/// earlier attempt can therefore never be taken for one of this attempt (without it a late COMMIT starts a second guest).
/// </summary>
public readonly record struct HandoverId(Guid Value)
{
    /// <summary>A fresh id (random UUID).</summary>
    public static HandoverId New() => new(Guid.NewGuid());

    /// <summary>The id as it stands in cookies and file names: the UUID in lower case with dashes.</summary>
    public override string ToString() => Value.ToString("D");

    /// <summary>Reads what <see cref="ToString"/> wrote; false for anything else.</summary>
    public static bool TryParse(string? text, out HandoverId id)
    {
        bool ok = Guid.TryParseExact(text, "D", out var value);
        id = new(value);
        return ok;
    }
}
