namespace Wherry.Qemu.Migration;

/// <summary>What a source has to know of a destination before it asks it for anything (migration.md A1).</summary>
internal static class PeerFeatures
{
    /// <exception cref="WherryException">OperationFailed or ArgumentUnsupported, in libvirt's words.</exception>
    public static async Task RequireAsync(IMigrationPeer peer, bool offline, CancellationToken ct)
    {
        if (!await peer.SupportsAsync(MigrationFeature.PeerToPeer, ct))
            throw new WherryException(ErrorCode.OperationFailed, "Destination libvirt does not support peer-to-peer migration protocol");

        if (!await peer.SupportsAsync(MigrationFeature.MigrationV3, ct) || !await peer.SupportsAsync(MigrationFeature.Parameters, ct))
        {
            throw new WherryException(
                ErrorCode.ArgumentUnsupported, $"Migration APIs with extensible parameters are not supported by {peer.Uri}");
        }

        if (offline && !await peer.SupportsAsync(MigrationFeature.Offline, ct))
            throw new WherryException(ErrorCode.ArgumentUnsupported, "offline migration is not supported by the destination host");
    }
}
