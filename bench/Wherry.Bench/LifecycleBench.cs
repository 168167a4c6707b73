using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Bench;

/// <summary>How long the calls that start and destroy a domain take.</summary>
internal static class LifecycleBench
{
    public static async Task RunAsync(HostPair pair, int n, Figures figures)
    {
        await using var serial = new SerialListener(pair.Run.File("serial"));
        var domain = new TestDomain("brief", await GuestImage.GetAsync(), serial) { MemoryMiB = 128 };
        await using var client = new BenchClient(pair.Alpha);
        var file = pair.Run.File("domain.xml");
        await File.WriteAllTextAsync(file, domain.Xml);
        await client.CallAsync("define", file);
        for (var round = 0; round < n; round++)
        {
            figures.Add("start", (await client.CallAsync("start", domain.Name)).Elapsed);
            figures.Add("destroy", (await client.CallAsync("destroy", domain.Name)).Elapsed);
        }

        await client.CallAsync("undefine", domain.Name);
    }
}
