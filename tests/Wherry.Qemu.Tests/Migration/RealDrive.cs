using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>The disk "drive" of a real QEMU, which is used as its guest would use it.</summary>
internal static class RealDrive
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <param name="monitor">Of that QEMU.</param>
    /// <param name="command">As qemu-io has it, such as "aio_write 0 65536".</param>
    public static async Task DoAsync(MonitorSession monitor, string command) => Assert.DoesNotContain(
        "rror",
        await monitor.ExecuteAsync(new HumanMonitorCommand($"qemu-io -d /machine/peripheral/drive/virtio-backend \"{command}\""), Ct),
        StringComparison.Ordinal);

    /// <summary>Looks until it is so.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        limit.CancelAfter(Limit);
        while (!await condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
