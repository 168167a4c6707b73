using Wherry.Errors;
using Wherry.Qemu.State;

namespace Wherry.Daemon.Configuration;

/// <summary>The host's UUID when nobody configures one: made once and kept, so that peers meet the same host again.</summary>
/// <remarks>Not the BIOS's: many boards have the same one, and two daemons on one machine would refuse to migrate to each other.</remarks>
internal static class HostIdentity
{
    private const string FileName = "host_uuid";

    public static Guid LoadOrCreate(string stateDirectory)
    {
        var path = Path.Combine(stateDirectory, FileName);
        if (File.Exists(path))
        {
            return Guid.TryParse(File.ReadAllText(path).Trim(), out var kept)
                ? kept
                : throw new WherryException(ErrorCode.ConfSyntax, $"'{path}' does not hold a UUID; remove it to get a new one", ErrorDomain.Conf);
        }
        Directory.CreateDirectory(stateDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var made = Guid.NewGuid();
        DurableFile.Write(path, System.Text.Encoding.ASCII.GetBytes($"{made}\n"));
        return made;
    }
}
