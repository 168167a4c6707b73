using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static Wherry.Qemu.Process.NativeProcess;

namespace Wherry.Qemu.Process;

/// <summary>
/// The one thread that waits for processes to end.
/// <code>
///   Add ----&gt; _watched, eventfd +1 --+
///                                    +--&gt; poll(eventfd, pidfd, pidfd, ...) --readable--&gt; waitid: status of a child of ours --&gt; Exited
///   QEMU ends: pidfd readable -------+                                                   (ECHILD: adopted, status unknown)
/// </code>
/// </summary>
/// <remarks>A thread of its own, since poll(2) blocks; it does nothing but complete tasks, whose continuations run elsewhere.</remarks>
internal sealed unsafe class ExitWatcher : IDisposable
{
    private const int EventFdCloexec = 0x80000;

    private readonly Lock _gate = new();
    private readonly List<QemuProcess> _watched = []; // under _gate
    private readonly SafeFileHandle _wake;
    private readonly Thread _thread;
    private volatile bool _stopping;

    public ExitWatcher()
    {
        _wake = new SafeFileHandle(eventfd(0, EventFdCloexec), ownsHandle: true);
        if (_wake.IsInvalid)
            throw WherryException.FromErrno(Marshal.GetLastPInvokeError(), "eventfd");

        _thread = new Thread(Run) { IsBackground = true, Name = "wherry-exits" };
        _thread.Start();
    }

    public void Add(QemuProcess process)
    {
        lock (_gate)
        {
            _watched.Add(process);
        }

        Wake();
    }

    /// <summary>Stops watching. Processes run on, and their <see cref="QemuProcess.Exited"/> stays incomplete.</summary>
    public void Dispose()
    {
        _stopping = true;
        Wake();
        _thread.Join();
        _wake.Dispose();
    }

    private void Wake() => RandomAccess.Write(_wake, BitConverter.GetBytes(1UL), fileOffset: 0);

    private void Run()
    {
        var wakeUps = new byte[sizeof(ulong)];
        while (!_stopping)
        {
            QemuProcess[] watched;
            lock (_gate)
            {
                watched = [.. _watched];
            }

            var fds = new PollFd[watched.Length + 1];
            fds[0] = new PollFd { Fd = (int)_wake.DangerousGetHandle(), Events = PollIn };
            for (var i = 0; i < watched.Length; i++)
            {
                fds[i + 1] = new PollFd { Fd = (int)watched[i].Pidfd.DangerousGetHandle(), Events = PollIn };
            }

            fixed (PollFd* first = fds)
            {
                if (poll(first, (nuint)fds.Length, timeoutMs: -1) < 0)
                {
                    // Anything but an interruption would make this a busy loop that sees no process end: better that the daemon stops.
                    var errno = Marshal.GetLastPInvokeError();
                    if (errno != Eintr) throw WherryException.FromErrno(errno, "poll of process ends");
                    continue;
                }
            }

            if (fds[0].Returned != 0)
                RandomAccess.Read(_wake, wakeUps, fileOffset: 0);

            for (var i = 0; i < watched.Length; i++)
            {
                if (fds[i + 1].Returned != 0)
                {
                    lock (_gate)
                    {
                        _watched.Remove(watched[i]);
                    }

                    watched[i].MarkExited(Reap(watched[i]));
                }
            }
        }
    }

    /// <summary>Collects a child of ours, so that no zombie stays. Somebody else's child is its parent's to collect.</summary>
    private static ExitStatus Reap(QemuProcess process)
    {
        SignalInfo info = default;
        if (waitid(WaitIdPidFd, (int)process.Pidfd.DangerousGetHandle(), &info, WaitExited | WaitNoHang) != 0 || info.Pid == 0)
            return ExitStatus.Unknown;

        return info.Code == ChildExited ? new ExitStatus(info.Status, Signal: null) : new ExitStatus(Code: null, info.Status);
    }
}
