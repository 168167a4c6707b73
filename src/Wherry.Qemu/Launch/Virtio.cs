using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>QEMU's type names of virtio devices: <c>virtio-blk</c> + <c>-pci</c> + the flavour a model asks for.</summary>
internal static class Virtio
{
    /// <param name="family">Such as <c>virtio-blk</c>.</param>
    /// <param name="model">libvirt's model: <c>virtio</c>, <c>virtio-transitional</c>, <c>virtio-non-transitional</c>, or null for the first.</param>
    public static Properties Device(string family, DeviceAddress? address, string? model = null)
    {
        if (address is not DeviceAddress.Pci)
            throw new WherryException(ErrorCode.InternalError, $"Unexpected address type for '{family}'");
        var flavour = model switch { "virtio-transitional" => "-transitional", "virtio-non-transitional" => "-non-transitional", _ => "" };
        return Properties.OfDevice($"{family}-pci{flavour}");
    }
}
