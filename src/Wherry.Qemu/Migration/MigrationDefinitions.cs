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
    public static string ToPersist(DomainDefinition stored, string? asked) => asked is null
        ? stored.Document.ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Inactive | DomainXmlFlags.Migratable)
        : Checked(stored, asked).ToXml(DomainXmlFlags.Secure | DomainXmlFlags.Inactive | DomainXmlFlags.Migratable);

    /// <summary>The same machine under another name (<c>destination_name</c>).</summary>
    /// <exception cref="WherryException">XmlError: a name that no definition may have.</exception>
    public static DomainDefinition Renamed(DomainDefinition definition, string? name)
    {
        if (name is null || name == definition.Spec.Name)
            return definition;

        return name.Contains('/', StringComparison.Ordinal)
            ? throw new WherryException(ErrorCode.XmlError, $"name {name} cannot contain '/'", ErrorDomain.Domain)
            : new DomainDefinition(definition.Document.WithName(name));
    }

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
