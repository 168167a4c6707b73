using System.Runtime.InteropServices;

namespace Wherry.Qemu.Process;

/// <summary>What kill(2) said. Requirement S4.13: ESRCH means that the process is dead already, which is what the sender wanted.</summary>
/// <param name="Errno">0 when the signal was delivered.</param>
public readonly record struct SignalResult(int Errno)
{
    private const int Esrch = 3;

    public bool Delivered => Errno == 0;

    public bool AlreadyGone => Errno == Esrch;

    public bool Failed => !Delivered && !AlreadyGone;

    public override string ToString() => Delivered ? "delivered" : Marshal.GetPInvokeErrorMessage(Errno);
}
