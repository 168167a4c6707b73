using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary><c>-smbios</c>: what the firmware's tables say of the machine.</summary>
internal static class Smbios
{
    public static void Add(Arguments arguments, DomainSpec spec)
    {
        if (spec.Smbios is not { Mode: "sysinfo", Tables: var tables })
            return;
        if (tables.IsEmpty)
            throw new WherryException(ErrorCode.XmlError, $"Domain '{spec.Name}' sysinfo are not available", ErrorDomain.Qemu);
        if (tables.Count(table => table.Kind.Element == "baseBoard") > 1)
            throw new WherryException(ErrorCode.ConfigUnsupported, "qemu does not support more than one entry to Type 2 in SMBIOS table", ErrorDomain.Qemu);
        foreach (var (kind, fields) in tables)
            arguments.Add("-smbios", $"type={kind.Type}" + string.Concat(fields.Select(field => $",{field.Name}={Arguments.Escape(field.Value)}")));
    }
}
