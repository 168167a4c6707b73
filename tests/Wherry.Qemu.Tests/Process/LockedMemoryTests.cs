using System.Diagnostics;
using Wherry.Errors;
using Wherry.Qemu.Process;

namespace Wherry.Qemu.Tests.Process;

public sealed class LockedMemoryTests
{
    private const ulong KiB = 1024;

    [Fact]
    public async Task A_process_is_granted_what_it_needs_and_nothing_that_it_has()
    {
        using var process = Limited("--memlock=65536:131072");
        var before = await ReachedAsync(process);
        Assert.Equal(new LockedMemory(64 * KiB, 128 * KiB), before);
        Assert.Equal(before, before.AtLeast(32 * KiB));

        before.AtLeast(96 * KiB).Grant(process.Id);
        Assert.Equal(new LockedMemory(96 * KiB, 128 * KiB), LockedMemory.LimitOf(process.Id));
        before.Grant(process.Id);
        Assert.Equal(before, LockedMemory.LimitOf(process.Id));
    }

    [Fact]
    public async Task A_process_that_is_gone_is_named()
    {
        using var process = Limited("--memlock=65536:131072");
        var before = await ReachedAsync(process);
        var pid = process.Id;
        process.Kill();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        var refused = Assert.Throws<WherryException>(() => before.Grant(pid));
        Assert.Equal(ErrorCode.SystemError, refused.Code);
        Assert.Contains($"cannot limit locked memory of process {pid} to 65536: No such process", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_that_may_lock_any_has_no_limit()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root");
        Assert.Null(LockedMemory.LimitOf(Environment.ProcessId));
    }

    /// <summary>One that has no privilege to lock more, says "x" when it is that, and ends with its input.</summary>
    private static System.Diagnostics.Process Limited(string limit)
    {
        string[] command = ["prlimit", limit, .. Environment.IsPrivilegedProcess ? ["setpriv", "--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock"] : (string[])[], "sh", "-c", "echo x; read x"];
        return System.Diagnostics.Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
    }

    private static async Task<LockedMemory> ReachedAsync(System.Diagnostics.Process process)
    {
        Assert.Equal("x", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));
        return Assert.NotNull(LockedMemory.LimitOf(process.Id));
    }
}
