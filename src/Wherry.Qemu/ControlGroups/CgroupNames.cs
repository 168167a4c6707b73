using System.Globalization;
using System.Text;

namespace Wherry.Qemu.ControlGroups;

/// <summary>
/// How groups are called: libvirt's layout for a host without systemd-machined, which monitoring tools know.
/// <code>
///   /machine                                the partition: of the definition, or this one
///     qemu-7-web.libvirt-qemu               one guest, by its run's number and its name
///       emulator  vcpu0  vcpu1  iothread1   its threads
/// </code>
/// </summary>
internal static class CgroupNames
{
    /// <summary>The partition of a guest whose definition names none.</summary>
    public const string DefaultPartition = "/machine";

    /// <summary>systemd's limit for the name of a machine, which libvirt keeps to.</summary>
    private const int LongestMachineName = 64;

    /// <summary>The group of one run of a domain.</summary>
    /// <param name="daemon">Sets this daemon's groups apart from those of another one on the same host; empty for the host's only daemon.</param>
    public static string OfMachine(string daemon, int id, string domain)
    {
        var name = new StringBuilder("qemu-").Append(daemon.Length == 0 ? "" : daemon + "-").Append(id.ToString(CultureInfo.InvariantCulture)).Append('-');
        var skip = true; // no two of . and - in a row, and none at the ends
        foreach (var letter in domain)
        {
            if (name.Length >= LongestMachineName)
                break;
            if (letter is '.' or '-')
            {
                if (!skip)
                    name.Append(letter);
                skip = true;
            }
            else if (char.IsAsciiLetterOrDigit(letter))
            {
                name.Append(letter);
                skip = false;
            }
        }
        return name.ToString().TrimEnd('.', '-') + ".libvirt-qemu";
    }

    /// <summary>Where a partition is: all but the three well-known first names get a suffix that says what they are.</summary>
    /// <param name="kernelControllers">What /proc/cgroups names: a group must not look like one of the kernel's own files.</param>
    /// <exception cref="WherryException">ConfigUnsupported: not an absolute path.</exception>
    public static string OfPartition(string partition, IReadOnlyCollection<string> kernelControllers)
    {
        if (!partition.StartsWith('/'))
            throw new WherryException(
                ErrorCode.ConfigUnsupported, $"Resource partition '{partition}' must start with '/'", ErrorDomain.Domain);
        var names = partition.Split('/');
        for (var i = 1; i < names.Length; i++)
        {
            if ((i == 1 && names[i] is "machine" or "system" or "user") || names[i].Length == 0)
                continue;
            if (!names[i].Contains('.', StringComparison.Ordinal))
                names[i] += ".partition";
            names[i] = Escape(names[i], kernelControllers);
        }
        return string.Join('/', names).TrimEnd('/');
    }

    private static string Escape(string name, IReadOnlyCollection<string> kernelControllers) =>
        name[0] is '_' or '.' || kernelControllers.Append("cgroup").Any(own => name.StartsWith(own + ".", StringComparison.Ordinal)) ? "_" + name : name;
}

/// <summary>A group of a guest's threads.</summary>
/// <param name="Name">As libvirt names it: <c>emulator</c>, <c>vcpuN</c>, <c>iothreadN</c>.</param>
public readonly record struct ThreadGroup(string Name)
{
    /// <summary>All of QEMU that is neither a virtual CPU nor an I/O thread.</summary>
    public static ThreadGroup Emulator { get; } = new("emulator");

    public static ThreadGroup Vcpu(int id) => new("vcpu" + id.ToString(CultureInfo.InvariantCulture));

    public static ThreadGroup IoThread(uint id) => new("iothread" + id.ToString(CultureInfo.InvariantCulture));
}
