using System.Collections.Immutable;
using Wherry.Qemu.Process;

namespace Wherry.Testing;

/// <summary>The process side of a <see cref="FakeQemu"/>, or alone: a process that dies as the test wants it to.</summary>
public sealed class FakeProcess : IQemuProcess
{
    private static int LastPid = 1_000_000; // Above any real pid.

    private readonly TaskCompletionSource<ExitStatus> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FakeQemu? _qemu;
    private ImmutableList<int> _signals = [];

    public FakeProcess()
    {
    }

    internal FakeProcess(FakeQemu qemu) => _qemu = qemu;

    public int Pid { get; } = Interlocked.Increment(ref LastPid);

    public ulong StartTime => (ulong)Pid;

    public Task<ExitStatus> Exited => _exited.Task;

    /// <summary>The signals that end it.</summary>
    public ImmutableHashSet<int> DiesOf { get; set; } = [9, 15];

    /// <summary>When not 0, signals fail with it and are not delivered.</summary>
    public int SignalErrno { get; set; }

    /// <summary>What was delivered, in order.</summary>
    public ImmutableList<int> Signals => _signals;

    public SignalResult Signal(int signal)
    {
        if (SignalErrno != 0 || Exited.IsCompleted)
        {
            return new SignalResult(SignalErrno != 0 ? SignalErrno : 3);
        }

        ImmutableInterlocked.Update(ref _signals, list => list.Add(signal));
        if (DiesOf.Contains(signal))
        {
            End(new ExitStatus(Code: null, signal));
        }

        return default;
    }

    /// <summary>It ends by itself.</summary>
    public void End(ExitStatus status)
    {
        _status = status;
        if (_qemu is null)
        {
            MarkExited();
        }
        else
        {
            _qemu.End();
        }
    }

    private ExitStatus _status;

    internal void MarkExited() => _exited.TrySetResult(_status);
}
