using System.Globalization;
using System.Text;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary><c>-rtc</c> and the timers that are globals; hpet is a machine property, paravirtual clocks are CPU flags.</summary>
internal static class Clock
{
    public static void Add(Arguments arguments, DomainSpec spec, LaunchContext context)
    {
        var clock = spec.Clock;
        var rtc = new StringBuilder("base=").Append(Base(clock, context));
        if (clock.Timers.FirstOrDefault(timer => timer.Name == "rtc") is { } timer)
        {
            rtc.Append(timer.Track switch { "guest" => ",clock=vm", "wall" => ",clock=host", "realtime" => ",clock=rt", _ => "" });
            if (timer.TickPolicy == "catchup")
                rtc.Append(",driftfix=slew");
        }
        arguments.Add("-rtc", rtc.ToString());

        if (clock.Timers.FirstOrDefault(timer => timer.Name == "pit") is { } pit && PitPolicy(pit) is { } policy)
            arguments.Add("-global", $"kvm-pit.lost_tick_policy={policy}");
    }

    private static string Base(ClockSpec clock, LaunchContext context) => clock.Offset switch
    {
        "utc" => "utc",
        "localtime" or "timezone" => "localtime",
        "variable" => Shifted(clock, context).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture),
        _ => throw new WherryException(ErrorCode.ConfigUnsupported, $"unsupported clock offset '{clock.Offset}'"),
    };

    private static DateTime Shifted(ClockSpec clock, LaunchContext context)
    {
        var now = clock.BasisIsLocalTime ? context.Now.DateTime : context.Now.UtcDateTime;
        return now.AddSeconds(clock.AdjustmentSeconds);
    }

    private static string? PitPolicy(TimerSpec pit) => pit.TickPolicy switch
    {
        null or "delay" => "delay",
        "discard" => "discard",
        "catchup" => null,
        _ => throw new WherryException(ErrorCode.ConfigUnsupported, $"unsupported pit tickpolicy '{pit.TickPolicy}'"),
    };
}
