using System.Collections.Immutable;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>
/// Variables QEMU gets. A system QEMU has a home of its own: libraries it links write caches and settings to $HOME, and the default "/" is
/// not theirs to write. A session QEMU keeps the user's home and settings, only its cache is apart because caches may be purged at any time.
/// </summary>
internal static class LaunchEnvironment
{
    public static ImmutableDictionary<string, string> Of(DomainSpec spec, LaunchContext context)
    {
        var variables = ImmutableDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        var home = context.DomainDirectory;
        variables["LC_ALL"] = "C";
        variables["XDG_CACHE_HOME"] = $"{home}/.cache";
        if (context.Privileged)
        {
            variables["HOME"] = home;
            variables["XDG_DATA_HOME"] = $"{home}/.local/share";
            variables["XDG_CONFIG_HOME"] = $"{home}/.config";
        }
        if (spec.Clock is { Offset: "timezone", Timezone: { } timezone })
            variables["TZ"] = timezone;
        return variables.ToImmutable();
    }
}
