namespace Wherry.Xml;

/// <summary>libvirt's VIR_DOMAIN_XML_* bits, as a client sends them with DomainGetXMLDesc.</summary>
[Flags]
public enum DomainXmlFlags
{
    None = 0,

    /// <summary>With passwords. Refused to read-only clients, by the caller.</summary>
    Secure = 1,

    /// <summary>The definition used at the next start, not the running guest.</summary>
    Inactive = 2,

    /// <summary>With host-model replaced by the model and features it stands for on this host.</summary>
    UpdateCpu = 4,

    /// <summary>The form an older libvirt would also understand, for sending to a migration's destination.</summary>
    Migratable = 8,
}
