using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Qemu.Cpus;
using Wherry.Qmp;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Cpus;

public sealed class CpuQueryTests
{
    [Fact]
    public async Task Three_calls_tell_all_features_and_what_could_not_be_had()
    {
        await using var qemu = new FakeQemu();
        qemu.CpuProperties["feature-words"] = new JsonArray(Word(1, null, "EDX", 1 << 25 | 1 << 26), Word(7, 0, "EBX", 1 << 5), Word(7, 1, "EBX", 1 << 5));
        qemu.CpuProperties["unavailable-features"] = new JsonArray("pclmulqdq", "rtm");
        var (enabled, unavailable) = await AskAsync(qemu);
        Assert.Equal(["avx2", "sse", "sse2"], enabled.Order(StringComparer.Ordinal));
        Assert.Equal(["pclmuldq", "rtm"], unavailable.Order(StringComparer.Ordinal));
        Assert.Equal(["qmp_capabilities", "query-cpus-fast", "qom-get", "qom-get"], qemu.Received);
    }

    [Fact]
    public async Task Features_told_by_MSRs_are_asked_for_where_the_guest_has_the_MSR()
    {
        await using var qemu = new FakeQemu();
        qemu.CpuProperties["feature-words"] = new JsonArray(Word(7, 0, "EDX", 1 << 29));
        qemu.CpuProperties["unavailable-features"] = new JsonArray();
        foreach (var name in CpuFeatures.InMsrs)
            qemu.CpuProperties[name] = name is "rdctl-no" or "mds-no";
        var (enabled, _) = await AskAsync(qemu);
        Assert.Equal(["arch-capabilities", "mds-no", "rdctl-no"], enabled.Order(StringComparer.Ordinal));
    }

    private static async Task<(HashSet<string> Enabled, HashSet<string> Unavailable)> AskAsync(FakeQemu qemu)
    {
        var options = new MonitorOptions { Owner = "guest", Logger = NullLogger.Instance };
        await using var monitor = await MonitorSession.ConnectAsync(qemu.MonitorPath, options, TestContext.Current.CancellationToken);
        return await CpuQuery.AskAsync(monitor, TestContext.Current.CancellationToken).Within();
    }

    private static JsonObject Word(uint leaf, uint? subleaf, string register, uint bits)
    {
        var word = new JsonObject { ["cpuid-input-eax"] = leaf, ["cpuid-register"] = register, ["features"] = bits };
        if (subleaf is { } ecx)
            word["cpuid-input-ecx"] = ecx;
        return word;
    }
}
