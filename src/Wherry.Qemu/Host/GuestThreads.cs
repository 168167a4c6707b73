using System.Collections.Immutable;
using System.Globalization;

namespace Wherry.Qemu.Host;

/// <summary>
/// Which threads of a QEMU run its guest's CPUs. Read from the names that QEMU gives them with <c>-name debug-threads=on</c>, which every QEMU
/// of ours is started with, so that a QEMU whose monitor hangs can still be looked at:
/// <code>
///   CPU 0/TCG   CPU 1/KVM      a virtual CPU
///   ALL CPUs/TCG               one thread for all of them: they have no times of their own
///   IO iothread1               an I/O thread
/// </code>
/// </summary>
/// <param name="Vcpus">Thread id by the number of the virtual CPU.</param>
public sealed record GuestThreads(ImmutableSortedDictionary<int, int> Vcpus)
{
    /// <summary>Empty when the process is gone.</summary>
    public static GuestThreads Read(int pid)
    {
        var vcpus = ImmutableSortedDictionary.CreateBuilder<int, int>();
        try
        {
            foreach (var thread in Directory.EnumerateDirectories($"/proc/{pid}/task"))
            {
                if (VcpuOf(File.ReadAllText(Path.Combine(thread, "comm"))) is { } vcpu)
                    vcpus[vcpu] = int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture);
            }
        }
        catch (IOException)
        {
            // A thread, or all of them, ended meanwhile: what was found so far is as true as any answer can be.
        }
        return new GuestThreads(vcpus.ToImmutable());
    }

    internal static int? VcpuOf(string comm)
    {
        const string prefix = "CPU ";
        if (!comm.StartsWith(prefix, StringComparison.Ordinal) || comm.IndexOf('/', StringComparison.Ordinal) is not (> 0 and var slash))
            return null;
        return int.TryParse(comm.AsSpan(prefix.Length, slash - prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }
}
