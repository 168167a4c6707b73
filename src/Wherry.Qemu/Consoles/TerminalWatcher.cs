using Microsoft.Win32.SafeHandles;
using static Wherry.Qemu.Consoles.NativeTerminal;

namespace Wherry.Qemu.Consoles;

/// <summary>
/// The one thread that waits for terminals to become readable or writable: .NET can do that for sockets and pipes only.
/// <code>
///   WaitAsync ----&gt; _waiting, eventfd +1 --+--&gt; poll(eventfd, terminal, terminal, ...) --ready--&gt; that wait completes, and is forgotten
/// </code>
/// </summary>
/// <remarks>Begun by the first wait; a daemon in which nobody opens a console has no such thread.</remarks>
internal sealed class TerminalWatcher
{
    private readonly Lock _gate = new();
    private readonly List<Waiting> _waiting = []; // under _gate
    private SafeFileHandle? _wake; // under _gate

    /// <summary>Completes when the terminal is ready, has been hung up, or has failed: the next system call will tell which.</summary>
    /// <param name="events">poll(2)'s.</param>
    public async Task WaitAsync(SafeFileHandle terminal, short events, CancellationToken ct)
    {
        var waiting = new Waiting(terminal, events, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_gate)
        {
            _waiting.Add(waiting);
            if (_wake is null)
            {
                _wake = EventFd();
                new Thread(() => Run(_wake)) { IsBackground = true, Name = "wherry-terminals" }.Start();
            }
            Wake(_wake);
        }
        try
        {
            await waiting.Ready.Task.WaitAsync(ct);
        }
        finally
        {
            lock (_gate)
            {
                // A wait that was given up: the thread must not look at a descriptor that its owner is about to close.
                if (_waiting.Remove(waiting))
                    Wake(_wake);
            }
        }
    }

    private static void Wake(SafeFileHandle wake) => Write(wake, BitConverter.GetBytes(1UL));

    private void Run(SafeFileHandle wake)
    {
        var wakeUps = new byte[sizeof(ulong)];
        while (true)
        {
            Waiting[] waiting;
            lock (_gate)
                waiting = [.. _waiting];
            PollFd[] descriptors =
            [
                new PollFd { Fd = (int)wake.DangerousGetHandle(), Events = PollIn },
                .. waiting.Select(one => new PollFd { Fd = (int)one.Terminal.DangerousGetHandle(), Events = one.Events }),
            ];
            var errno = Poll(descriptors);
            if (errno == Eintr)
                continue;
            if (errno != 0)
                throw WherryException.FromErrno(errno, "poll of terminals"); // Better that the daemon stops than a busy loop.
            if (descriptors[0].Returned != 0)
                _ = Read(wake, wakeUps);
            for (var i = 0; i < waiting.Length; i++)
            {
                if (descriptors[i + 1].Returned == 0)
                    continue;
                lock (_gate)
                    _waiting.Remove(waiting[i]);
                waiting[i].Ready.TrySetResult();
            }
        }
    }

    private sealed record Waiting(SafeFileHandle Terminal, short Events, TaskCompletionSource Ready);
}
