namespace Wherry.Xml;

/// <summary>What every device has.</summary>
public abstract record DeviceSpec
{
    /// <summary>
    /// The name QEMU knows the device by (its <c>id</c>), for example <c>virtio-disk0</c> or a user's <c>ua-…</c>.
    /// Null only in a persistent definition: a launched domain has one for every device.
    /// </summary>
    public string? Alias { get; init; }

    public DeviceAddress? Address { get; init; }

    /// <summary>The 1-based place in the boot order of <c>&lt;boot order=…/&gt;</c>; null when the device has none of its own.</summary>
    public int? BootOrder { get; init; }
}
