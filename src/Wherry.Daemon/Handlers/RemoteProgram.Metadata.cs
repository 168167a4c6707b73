using Wherry.Errors;
using Wherry.Qemu.Domains;
using Wherry.Rpc;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

// virsh desc and virsh metadata.
internal sealed partial class RemoteProgram
{
    [Procedure(RemoteProcedure.DomainGetMetadata)]
    private ValueTask<DomainGetMetadataRet> DomainGetMetadata(ServerCall call, DomainGetMetadataArgs args, CancellationToken ct)
    {
        CheckFlags(args.Flags, AffectLive | AffectConfig, "virDomainObjGetMetadata", ErrorDomain.Domain);
        var document = Affect(args.Flags).Of(Domain(call, args.Dom).Snapshot).Document;
        var found = Kind(args.Type) switch
        {
            MetadataKind.Description => document.Description,
            MetadataKind.Title => document.Title,
            _ => document.GetMetadata(args.Uri ?? ""),
        };
        return new(new DomainGetMetadataRet(
            found ?? throw new WherryException(ErrorCode.NoDomainMetadata, "Requested metadata element is not present", ErrorDomain.Domain)));
    }

    [Procedure(RemoteProcedure.DomainSetMetadata)]
    private async ValueTask DomainSetMetadata(ServerCall call, DomainSetMetadataArgs args, CancellationToken ct)
    {
        CheckMetadata(args);
        CheckFlags(args.Flags, AffectLive | AffectConfig, "qemuDomainSetMetadata");
        var kind = Kind(args.Type);
        await Driver.ChangeDocumentsAsync(
            Domain(call, args.Dom),
            Affect(args.Flags),
            document => kind switch
            {
                MetadataKind.Description => document.WithDescription(args.Metadata),
                MetadataKind.Title => document.WithTitle(args.Metadata),
                _ => document.WithMetadata(args.Uri ?? "", args.Key, args.Metadata),
            },
            new DomainEvent.MetadataChange(kind, args.Uri),
            Owner("DomainSetMetadata"),
            ct);
    }

    /// <summary>What libvirt's API layer refuses; virsh refuses it before it asks.</summary>
    private static void CheckMetadata(DomainSetMetadataArgs args)
    {
        if ((MetadataKind)args.Type == MetadataKind.Element)
        {
            CheckArgument(args.Uri is not null, "uri", "virDomainSetMetadata", "must not be NULL");
            CheckArgument(args.Metadata is null || args.Key is not null, "key", "virDomainSetMetadata", "must not be NULL");
            return;
        }
        if ((MetadataKind)args.Type == MetadataKind.Title && args.Metadata?.Contains('\n', StringComparison.Ordinal) == true)
            throw new WherryException(ErrorCode.InvalidArg, "metadata title can't contain newlines", ErrorDomain.Domain);
        CheckArgument(args.Uri is null, "uri", "virDomainSetMetadata", "must be NULL");
        CheckArgument(args.Key is null, "key", "virDomainSetMetadata", "must be NULL");
    }

    private static MetadataKind Kind(int type) => type is >= 0 and <= (int)MetadataKind.Element
        ? (MetadataKind)type
        : throw new WherryException(ErrorCode.InvalidArg, $"unknown metadata type '{type}'", ErrorDomain.Domain);
}
