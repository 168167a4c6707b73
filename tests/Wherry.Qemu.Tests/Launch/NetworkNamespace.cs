using System.Runtime.InteropServices;
using Wherry.Testbed;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>Runs synchronous code on a thread in a fresh network namespace, which the kernel removes with the thread.</summary>
internal static partial class NetworkNamespace
{
    private const int CloneNewNet = 0x40000000;

    public static string? Missing { get; } =
        !Environment.IsPrivilegedProcess ? "network namespaces need root"
        : !File.Exists("/dev/net/tun") ? "there is no /dev/net/tun"
        : Executables.Find("ip") is null ? "iproute2 is not installed"
        : null;

    public static void Run(Action body)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Assert.Equal(0, Unshare(CloneNewNet));
                body();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>ip(8), inside: a child is forked by the calling thread, so it starts in that thread's namespace.</summary>
    public static string Ip(string arguments)
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo(Executables.Find("ip")!, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return output;
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
