using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Wherry.Qemu.Host;

/// <summary>
/// The time stamp counter as KVM gives it to guests. Only KVM tells its frequency, and only to one who has made a virtual CPU; ours lives
/// for a moment and never runs. See linux/kvm.h and the kernel's virt/kvm/api.rst.
/// </summary>
/// <param name="FrequencyHz">Ticks per second.</param>
/// <param name="CanScale">A guest can be given another frequency.</param>
public sealed partial record TscCounter(ulong FrequencyHz, bool CanScale)
{
    private const nuint CreateVm = 0xAE01, CheckExtension = 0xAE03, CreateVcpu = 0xAE41, GetTscKhz = 0xAEA3;
    private const nuint CapTscControl = 60;

    /// <summary>Null where KVM is not to be had or does not know.</summary>
    public static TscCounter? TryRead()
    {
        const string device = "/dev/kvm";
        try
        {
            using var kvm = File.OpenHandle(device, FileMode.Open, FileAccess.ReadWrite);
            using var vm = Descriptor(Ioctl(kvm, CreateVm, 0));
            using var cpu = Descriptor(Ioctl(vm, CreateVcpu, 0));
            var kilohertz = Ioctl(cpu, GetTscKhz, 0);
            return kilohertz > 0 ? new TscCounter((ulong)kilohertz * 1000, Ioctl(kvm, CheckExtension, CapTscControl) > 0) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static SafeFileHandle Descriptor(int descriptor) =>
        descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new IOException($"KVM refused: error {Marshal.GetLastPInvokeError()}");

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Ioctl(SafeFileHandle file, nuint request, nuint argument);
}
