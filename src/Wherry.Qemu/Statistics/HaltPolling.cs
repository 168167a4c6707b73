using System.Text.Json;
using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Statistics;

/// <summary>How long KVM polled for work before it let the CPUs of a guest sleep, summed over them: with and without finding some.</summary>
/// <param name="SuccessNs">Nanoseconds, as the other; 0 under TCG, which does not poll.</param>
public sealed record HaltPolling(ulong SuccessNs, ulong FailNs)
{
    private const string Success = "halt_poll_success_ns", Fail = "halt_poll_fail_ns";

    /// <exception cref="WherryException">QEMU did not answer in time, or is older than this command.</exception>
    public static async Task<HaltPolling> AskAsync(MonitorSession monitor, CancellationToken ct)
    {
        var vcpus = await monitor.ExecuteAsync(new QueryStats("vcpu") { Providers = [new StatsRequest("kvm", [Success, Fail])] }, ct);
        return new HaltPolling(Sum(Success), Sum(Fail));

        ulong Sum(string name)
        {
            var sum = 0UL;
            foreach (var counter in vcpus.SelectMany(vcpu => vcpu.Stats).Where(counter => counter.Name == name))
                sum += counter.Value.ValueKind == JsonValueKind.Number && counter.Value.TryGetUInt64(out var value) ? value : 0;
            return sum;
        }
    }
}
