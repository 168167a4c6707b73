using System.Text.RegularExpressions;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>
/// Brings two argument lists for the same domain, stock libvirt's and ours, into a form where every difference left is one that the guest
/// could see. What is evened out, and why it may be:
/// <list type="bullet">
/// <item>descriptor numbers, and sockets or files passed as descriptors instead of paths: the host's business;</item>
/// <item>libvirt's master key: only wraps its own secrets;</item>
/// <item><c>-no-acpi</c> and <c>-no-hpet</c>: QEMU 7.2's old spelling of the machine properties we set, which newer QEMU lacks;</item>
/// <item><c>-action reboot=shutdown</c>: libvirt sends <c>set-action</c> over the monitor instead.</item>
/// </list>
/// </summary>
internal static partial class ComparableArguments
{
    public static IReadOnlyList<string> Of(IEnumerable<string> arguments)
    {
        var machine = new SortedSet<string>(StringComparer.Ordinal);
        var others = new List<string>();
        using var list = arguments.GetEnumerator();
        while (list.MoveNext())
        {
            var option = list.Current;
            if (option is "-no-acpi" or "-no-hpet")
            {
                machine.Add($"{option[4..]}=off");
                continue;
            }
            if (!TakesValue(option))
            {
                others.Add(option);
                continue;
            }
            list.MoveNext();
            var value = list.Current;
            if (option == "-machine")
                machine.UnionWith(value.Split(','));
            else if (option is not ("-add-fd" or "-action") && !value.Contains("masterKey0", StringComparison.Ordinal))
                others.Add($"{option} {Even(value)}");
        }
        return [$"-machine {string.Join(',', machine)}", .. others];
    }

    /// <summary>As <see cref="Of"/>, for what <c>virsh domxml-to-native</c> prints: one shell line, environment first.</summary>
    public static IReadOnlyList<string> OfConversion(string shellLine) =>
        OfConversion(ShellWords(shellLine).SkipWhile(word => !word.StartsWith('/')).Skip(1));

    /// <summary>
    /// The conversion starts nothing: it opens no image, so it knows no backing chain; for every interface it stands in a bare one with a tap,
    /// without alias, boot order and driver settings; and it takes the time of its own clock.
    /// </summary>
    public static IReadOnlyList<string> OfConversion(IEnumerable<string> arguments) => [.. Of(arguments)
        .Where(argument => !argument.StartsWith("-netdev ", StringComparison.Ordinal))
        .Select(argument => argument.Replace(",\"backing\":null", "", StringComparison.Ordinal))
        .Select(argument => Time().Replace(argument, "base=TIME"))
        .Select(argument => Card().Replace(argument, "-device $1,$2,$3}"))];

    /// <summary>Words of a POSIX shell line, quoted as libvirt quotes: single quotes around the whole word or parts of it.</summary>
    private static IEnumerable<string> ShellWords(string line)
    {
        var word = new System.Text.StringBuilder();
        var quoted = false;
        foreach (var c in line.TrimEnd())
        {
            if (c == '\'')
                quoted = !quoted;
            else if (c != ' ' || quoted)
                word.Append(c);
            else
            {
                yield return word.ToString();
                word.Clear();
            }
        }
        yield return word.ToString();
    }

    private static bool TakesValue(string option) => option is not ("-S" or "-no-user-config" or "-nodefaults" or "-no-shutdown" or "-usb");

    private static string Even(string value) =>
        ChardevEnd().Replace(NetFds().Replace(value, "\"$1\":\"N\""), "$1,end").Replace("end,append=on", "end", StringComparison.Ordinal);

    [GeneratedRegex("""
        "((?:vhost)?fds?)":"[0-9:]+"
        """)]
    private static partial Regex NetFds();

    [GeneratedRegex("base=[0-9T:-]{19}")]
    private static partial Regex Time();

    /// <summary>Driver, MAC and address of a network card.</summary>
    [GeneratedRegex("""^-device (\{"driver":"[^"]+").*("mac":"[^"]+").*("bus":.*)\}$""")]
    private static partial Regex Card();

    /// <summary>The part of a socket or file chardev that says where its host end is.</summary>
    [GeneratedRegex("^((?:socket|file),id=[a-z0-9]+),(?:fd=[0-9]+|path=(?:[^,]|,,)*)")]
    private static partial Regex ChardevEnd();
}
