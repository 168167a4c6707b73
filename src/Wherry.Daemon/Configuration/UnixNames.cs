using System.Globalization;
using Wherry.Errors;

namespace Wherry.Daemon.Configuration;

/// <summary>Names and numbers of users and groups, from /etc/passwd and /etc/group: sockets are made before any name service is worth waiting for.</summary>
internal static class UnixNames
{
    /// <exception cref="WherryException">CONF_SYNTAX: there is no such group.</exception>
    public static uint FindGroup(string name)
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

    /// <summary>Null for one without a name.</summary>
    public static string? User(uint uid) => NameOf("/etc/passwd", uid);

    /// <inheritdoc cref="User"/>
    public static string? Group(uint gid) => NameOf("/etc/group", gid);

    // Both files: name, password, number, and more.
    private static string? NameOf(string file, uint number)
    {
        var text = number.ToString(CultureInfo.InvariantCulture);
        return File.ReadLines(file).Select(line => line.Split(':')).FirstOrDefault(fields => fields is [_, _, var id, ..] && id == text)?[0];
    }
}
