using System.IO.Pipes;
using System.Runtime.InteropServices;

namespace Wherry.Qemu.Process;

/// <summary>Holds a process back that <see cref="ProcessSupervisor.StartHeld"/> has started. Disposed unopened, it ends that process.</summary>
public sealed class StartGate : IDisposable
{
    private readonly AnonymousPipeServerStream _pipe = new(PipeDirection.Out, HandleInheritability.None);

    /// <summary>The process's standard input until it is let go.</summary>
    internal SafeHandle Theirs => _pipe.ClientSafePipeHandle;

    /// <summary>Lets it run. One that has ended meanwhile is its watcher's business.</summary>
    public void Open()
    {
        try
        {
            _pipe.Write("\n"u8);
        }
        catch (IOException)
        {
            // Nobody reads any more.
        }
    }

    public void Dispose()
    {
        _pipe.DisposeLocalCopyOfClientHandle();
        _pipe.Dispose();
    }
}
