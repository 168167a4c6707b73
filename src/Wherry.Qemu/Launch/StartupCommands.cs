using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Wherry.Qmp;
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
            commands.Add(new($"<link state='down'/> of interface '{link.Alias}'", "set_link", new Properties().Text("name", link.Alias).Flag("up", false).ToString()));
        foreach (var disk in spec.Disks.Where(disk => disk.Source is not null && disk.IoTune is { LimitsAnything: true }))
            commands.Add(new(null, Throttling.Command, Throttling.Arguments(disk, disk.IoTune!))); // filtered above
        if (spec.Memballoon is { Model: not "none" } balloon)
            commands.AddRange(Balloon(spec, balloon));
        return commands.ToImmutable();
    }

    /// <summary>Runs them in order, up to the first that QEMU refuses.</summary>
    /// <exception cref="WherryException">InternalError, naming the domain, what of its definition could not be had, and QEMU's reason.</exception>
    public static async Task RunAsync(ImmutableArray<StartupCommand> commands, string domain, MonitorSession monitor, CancellationToken ct)
    {
        foreach (var command in commands)
        {
            var reply = await monitor.ExecuteRawAsync($$"""{"execute":"{{command.Execute}}","arguments":{{command.Arguments}}}""", ct);
            using var document = JsonDocument.Parse(reply);
            if (document.RootElement.TryGetProperty("error", out var error))
            {
                var refusal = $"unable to execute QEMU command '{command.Execute}': {error.GetProperty("desc").GetString()}";
                throw new WherryException(
                    ErrorCode.InternalError, command.Setting is null ? refusal : $"cannot set {command.Setting} of domain '{domain}': {refusal}");
            }
        }
    }

    /// <summary>Sets the password of a display that was started with one.</summary>
    public static IEnumerable<StartupCommand> Password(GraphicsSpec graphics)
    {
        // libvirt's protocol default: what to do with connected clients is asked for only where the XML does.
        yield return new("passwd of <graphics>", "set_password", new Properties().Text("protocol", "vnc").Text("password", graphics.Password)
            .Text("connected", graphics.Connected).ToString());
        var expires = graphics.Password is "" ? "now" // An empty one opens the display to nobody.
            : graphics.PasswordValidTo is { } until
            ? new DateTimeOffset(DateTime.SpecifyKind(until, DateTimeKind.Utc)).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)
            : "never";
        yield return new("passwdValidTo of <graphics>", "expire_password", new Properties().Text("protocol", "vnc").Text("time", expires).ToString());
    }

    private static IEnumerable<StartupCommand> Balloon(DomainSpec spec, MemballoonSpec balloon)
    {
        if (balloon.StatsPeriod is { } period)
        {
            yield return new("<stats period> of <memballoon>", "qom-set", new Properties().Text("path", $"/machine/peripheral/{balloon.Alias}")
                .Text("property", "guest-stats-polling-interval").Number("value", (long)period.TotalSeconds).ToString());
        }
        yield return new("<currentMemory>", "balloon", new Properties().Number("value", spec.CurrentMemory.Bytes).ToString());
    }
}
