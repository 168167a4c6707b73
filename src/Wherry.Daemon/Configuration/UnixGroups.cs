using System.Globalization;
using Wherry.Errors;

namespace Wherry.Daemon.Configuration;

/// <summary>Group names to numbers, from /etc/group: sockets are made before any name service is worth waiting for.</summary>
internal static class UnixGroups
{
    public static uint Find(string name)
    {
        if (uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number;
        foreach (var line in File.ReadLines("/etc/group"))
        {
            if (line.Split(':') is [var group, _, var id, ..] && group == name && uint.TryParse(id, out number))
                return number;
        }
        throw new WherryException(ErrorCode.ConfSyntax, $"unix_sock_group: there is no group '{name}'", ErrorDomain.Conf);
    }
}
