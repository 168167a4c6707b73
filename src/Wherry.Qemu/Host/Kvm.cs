using System.Security.Cryptography;
using System.Text;

namespace Wherry.Qemu.Host;

/// <summary>The kernel's virtualisation, as far as its device tells. Whether guests run on it only a guest can tell.</summary>
internal static class Kvm
{
    /// <summary>Lines of /proc/cpuinfo that say what guests can be given; clock rates and the like change all the time.</summary>
    private static readonly string[] Telling = ["vendor_id", "cpu family", "model", "stepping", "microcode", "flags", "vmx flags", "address sizes"];

    /// <summary>Changes when the CPUs that KVM can offer may have: another kernel, processor or microcode. null without a usable /dev/kvm.</summary>
    public static string? Identity(HostFiles files)
    {
        if (!files.CanWrite("dev/kvm"))
            return null;
        var processor = files.ReadLines("proc/cpuinfo").TakeWhile(line => line.Length > 0)
            .Where(line => Telling.Contains(line.Split(':')[0].TrimEnd(), StringComparer.Ordinal));
        var text = string.Join('\n', processor.Prepend(files.TryReadText("proc/sys/kernel/osrelease")?.Trim() ?? ""));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16));
    }
}
