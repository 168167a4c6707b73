using System.Diagnostics;
using Wherry.Qemu.Process;

namespace Wherry.Qemu.Migration;

/// <summary>
/// Named moments of a migration at which a test can kill this daemon: <c>WHERRY_FAULT=src.handed.written:crash</c>. A published
/// daemon has neither the check nor the names (see the project file). Source: failure-catalogue.md, "Fault points".
/// </summary>
internal static class FaultPoint
{
    private static readonly string? Armed = Environment.GetEnvironmentVariable("WHERRY_FAULT");

    [Conditional("FAULT_POINTS")]
    public static void Reached(string name)
    {
        if (Armed == $"{name}:crash")
        {
            // SIGKILL, not an exit: nothing of ours may run afterwards, as when the machine loses power.
            _ = NativeProcess.kill(Environment.ProcessId, NativeProcess.SigKill);
        }
    }
}
