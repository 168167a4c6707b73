using Wherry.Qemu.Domains;
using Wherry.Xml;

namespace Wherry.Qemu.Migration;

/// <summary>The definitions that travel: what is started at the destination, and what is kept there.</summary>
internal static class MigrationDefinitions
{
    /// <summary>The running guest as the destination has to build it: the client's text if it gave one and the guest would not notice.</summary>
    /// <exception cref="WherryException">ConfigUnsupported: the client's text describes another machine.</exception>
    public static string ForDestination(DomainDefinition live, string? asked) => asked is null
        ? live.Document.ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Migratable)
        : Checked(live, asked).ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Migratable);

    /// <summary>The definition to keep, as the next start would use it.</summary>
    /// <param name="running">The guest as it runs, which has its UEFI variables where another host would not look for them.</param>
    public static string ToPersist(DomainDefinition stored, DomainSpec running, string? asked) =>
        ToPersist(stored.Spec.Os.LeavesNvramToHost && running.Os.Nvram.Path is { } path ? new DomainDefinition(stored.Document.WithNvram(path)) : stored, asked);

    /// <inheritdoc cref="ToPersist(DomainDefinition, DomainSpec, string?)"/>
    public static string ToPersist(DomainDefinition stored, string? asked) => asked is null
        ? stored.Document.ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Inactive | DomainXmlFlags.Migratable)
        : Checked(stored, asked).ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Inactive | DomainXmlFlags.Migratable);

    /// <summary>The same machine under another name (<c>destination_name</c>).</summary>
    /// <remarks>UEFI variables that go by the old name would overwrite those of another guest here, which may have that name.</remarks>
    /// <param name="nvramOf">Where this host keeps the UEFI variables of a guest of that name.</param>
    /// <exception cref="WherryException">XmlError: a name that no definition may have.</exception>
    public static DomainDefinition Renamed(DomainDefinition definition, string? name, Func<string, string> nvramOf)
    {
        if (name is null || name == definition.Spec.Name)
            return definition;

        if (name.Contains('/', StringComparison.Ordinal))
            throw new WherryException(ErrorCode.XmlError, $"name {name} cannot contain '/'", ErrorDomain.Domain);
        var document = definition.Document.WithName(name);
        return new DomainDefinition(
            Path.GetFileName(definition.Spec.Os.Nvram.Path) == NvramSpec.FileName(definition.Spec.Name) ? document.WithNvram(nvramOf(name)) : document);
    }

    /// <summary>
    /// A definition that arrives to be kept, with the UEFI variables where the guest that arrived with it has them: a definition may leave that
    /// to the host, and hosts differ.
    /// </summary>
    /// <param name="own">Where this host would look for them.</param>
    public static DomainDefinition Settled(DomainDefinition kept, DomainSpec running, string own) => (kept.Spec.Os, running.Os.Nvram.Path) switch
    {
        ({ Firmware: FirmwareKind.Efi, Nvram.Path: { } pinned }, _) when pinned == own => new DomainDefinition(kept.Document.WithNvram(null)),
        (_, { } path) when kept.Spec.Os.LeavesNvramToHost && path != own => new DomainDefinition(kept.Document.WithNvram(path)),
        _ => kept,
    };

    private static DomainDocument Checked(DomainDefinition ours, string asked)
    {
        var document = DomainDocument.Parse(asked);
        AbiStability.Check(Migratable(ours.Document), Migratable(document));
        return document;
    }

    // Why: the client's text comes from `dumpxml --migratable`, which leaves out what every PC has (the keyboard, for one); without the
    // same omission on our side each such text would describe another machine. Source: libvirt compares the migratable forms too.
    private static DomainSpec Migratable(DomainDocument document) =>
        DomainSpec.From(DomainDocument.Parse(document.ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Migratable)));
}
