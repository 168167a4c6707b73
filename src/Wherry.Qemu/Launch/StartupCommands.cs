using System.Collections.Immutable;
using System.Globalization;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Settings made over the monitor before the guest first runs; see <see cref="LaunchPlan.StartupCommands"/>.</summary>
internal static class StartupCommands
{
    public static ImmutableArray<StartupCommand> Of(DomainSpec spec)
    {
        var commands = ImmutableArray.CreateBuilder<StartupCommand>();
        foreach (var graphics in spec.Graphics.Where(graphics => graphics.Password is not null))
            commands.AddRange(Password(graphics));
        foreach (var link in spec.Interfaces.Where(link => !link.LinkUp))
            commands.Add(new("set_link", new Properties().Text("name", link.Alias).Flag("up", false).ToString()));
        if (spec.Memballoon is { Model: not "none" } balloon)
            commands.AddRange(Balloon(spec, balloon));
        return commands.ToImmutable();
    }

    private static IEnumerable<StartupCommand> Password(GraphicsSpec graphics)
    {
        // libvirt's protocol default: what to do with connected clients is asked for only where the XML does.
        yield return new("set_password", new Properties().Text("protocol", "vnc").Text("password", graphics.Password)
            .Text("connected", graphics.Connected).ToString());
        var expires = graphics.PasswordValidTo is { } until
            ? new DateTimeOffset(DateTime.SpecifyKind(until, DateTimeKind.Utc)).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)
            : "never";
        yield return new("expire_password", new Properties().Text("protocol", "vnc").Text("time", expires).ToString());
    }

    private static IEnumerable<StartupCommand> Balloon(DomainSpec spec, MemballoonSpec balloon)
    {
        if (balloon.StatsPeriod is { } period)
        {
            yield return new("qom-set", new Properties().Text("path", $"/machine/peripheral/{balloon.Alias}")
                .Text("property", "guest-stats-polling-interval").Number("value", (long)period.TotalSeconds).ToString());
        }
        yield return new("balloon", new Properties().Number("value", spec.CurrentMemory.Bytes).ToString());
    }
}
