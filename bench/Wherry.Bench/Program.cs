using System.Globalization;
using Wherry.Bench;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;
using Wherry.Testing.Tls;

// `./run bench [migration] [lifecycle] [daemon] [crowd] [--n COUNT] [--only wherryd|libvirtd]`: both daemons on this machine in the same
// run, each pair in hosts of its own, images in memory; without names all parts. Compare the columns, not the absolute figures: a busy
// machine moves both.

string[] parts = ["migration", "lifecycle", "daemon", "crowd"];
var n = Option("--n") is { } count ? int.Parse(count, CultureInfo.InvariantCulture) : 7;
var only = Option("--only");
var chosen = args.Where(parts.Contains).ToHashSet();
if ((GuestImage.Missing ?? TestHost.IsolationMissing) is { } missing)
{
    Console.Error.WriteLine($"The bench cannot start: {missing}.");
    return 1;
}

var authority = new TestAuthority("bench");
var columns = new List<(string, Figures)>();
if (only is null or "wherryd")
    columns.Add(("wherryd", await MeasureAsync((host, port) => new Wherryd(host, port) { MoreQemuConfiguration = Certificates(host) })));
if (only is null or "libvirtd" && StockLibvirtd.Missing is null)
    columns.Add(("libvirtd", await MeasureAsync((host, _) => new StockLibvirtd(host) { MoreQemuConfiguration = Certificates(host) })));
Figures.Print(columns, n);
return 0;

string Certificates(TestHost host) => authority.InstallForMigration(host.Directory, host.Name);

string? Option(string name) => args.SkipWhile(arg => arg != name).Skip(1).FirstOrDefault();

async Task<Figures> MeasureAsync(Func<TestHost, int, DaemonRunner> daemon)
{
    var figures = new Figures();
    await using var pair = await HostPair.StartAsync(daemon, inMemory: true);
    if (Begins("migration"))
    {
        foreach (var kind in MigrationBench.Kinds)
            await kind.RunAsync(pair, n, figures);
    }

    if (Begins("lifecycle"))
        await LifecycleBench.RunAsync(pair, n, figures);
    if (Begins("daemon"))
        await DaemonBench.RunAsync(pair.Alpha, figures);
    if (Begins("crowd"))
        await CrowdBench.RunAsync(pair.Alpha, figures);
    return figures;

    bool Begins(string part)
    {
        var wanted = chosen.Count == 0 || chosen.Contains(part);
        if (wanted)
            Console.WriteLine($"{pair.Alpha.Name}: {part}");
        return wanted;
    }
}
