using Wherry.Bench;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

// `./run bench [--n COUNT] [--only wherryd|libvirtd]`: both daemons on this machine in the same run, each pair in hosts of its own,
// images in memory. Compare the columns, not the absolute times: a busy machine moves both.

var n = args.SkipWhile(arg => arg != "--n").Skip(1).Select(int.Parse).FirstOrDefault(7);
var only = args.SkipWhile(arg => arg != "--only").Skip(1).FirstOrDefault();
if ((GuestImage.Missing ?? TestHost.IsolationMissing) is { } missing)
{
    Console.Error.WriteLine($"The bench cannot start: {missing}.");
    return 1;
}

var columns = new List<(string, Figures)>();
if (only is null or "wherryd")
    columns.Add(("wherryd", await MeasureAsync((host, port) => new Wherryd(host, port))));
if (only is null or "libvirtd" && StockLibvirtd.Missing is null)
    columns.Add(("libvirtd", await MeasureAsync((host, _) => new StockLibvirtd(host))));
Figures.Print(columns, n);
return 0;

async Task<Figures> MeasureAsync(Func<TestHost, int, DaemonRunner> daemon)
{
    var figures = new Figures();
    await using var pair = await HostPair.StartAsync(daemon, inMemory: true);
    Console.WriteLine($"{pair.Alpha.Name}: migrations of an idle guest");
    await MigrationBench.Idle.RunAsync(pair, n, figures);
    Console.WriteLine($"{pair.Alpha.Name}: migrations of a guest with two disks");
    await MigrationBench.TwoDisks.RunAsync(pair, n, figures);
    Console.WriteLine($"{pair.Alpha.Name}: start and destroy");
    await LifecycleBench.RunAsync(pair, n, figures);
    return figures;
}
