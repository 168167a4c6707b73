using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Wherry.Qemu.Process;

/// <summary>Ties a QEMU that must not outlive this process to it, however this process ends.</summary>
/// <remarks>
/// QEMU is told that a migration will come in over one end of a socket pair. We hold the other and never send. When we are gone, by SIGKILL
/// too, the kernel closes our end, and QEMU, meeting the end of the stream where one should begin, exits. It answers its monitor meanwhile.
/// Other ways: PR_SET_PDEATHSIG means the thread that started it, and .NET's threads come and go; a monitor that loses its client waits for the
/// next one. A pipe will not do: QEMU does not notice the hang-up. Tried with QEMU 7.2 and 10.0.
/// </remarks>
internal sealed unsafe class Lifeline : IDisposable
{
    private readonly SafeFileHandle _ours;

    public Lifeline()
    {
        var pair = stackalloc int[2];
        if (NativeProcess.socketpair(NativeProcess.AfUnix, NativeProcess.SockStreamCloexec, 0, pair) < 0)
            throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), "unable to create a socket pair");
        _ours = new SafeFileHandle(pair[0], ownsHandle: true);
        Theirs = new SafeFileHandle(pair[1], ownsHandle: true);
    }

    /// <summary>For QEMU to inherit; to be closed here once it has.</summary>
    public SafeFileHandle Theirs { get; }

    /// <summary>What to tell QEMU.</summary>
    public string[] Arguments => ["-incoming", $"fd:{Theirs.DangerousGetHandle()}"];

    public void Dispose()
    {
        Theirs.Dispose();
        _ours.Dispose();
    }
}
