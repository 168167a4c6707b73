using System.Text.RegularExpressions;

namespace Wherry.Tidy.Tests;

/// <summary>What code must not say, and what it should say instead. Every rule carries an example that it must catch.</summary>
public sealed class BannedCodeTests
{
    private sealed record Rule(string Name, string Banned, string Instead, string Example, Func<SourceFile, bool> Applies, params string[] Except);

    private static readonly Rule[] Rules =
    [
        new("clock", @"\bDateTime(Offset)?\.(Utc)?Now\b|\bEnvironment\.TickCount|\bStopwatch\.(StartNew|GetTimestamp)\b",
            "the injected TimeProvider", "var now = DateTime.UtcNow;", InProduct),
        new("delay", @"\bTask\.Delay\((?!.*(timeProvider|TimeProvider|_time|time\b|clock))|\bThread\.Sleep\b",
            "await a condition with a deadline, or Task.Delay(…, timeProvider, ct)", "await Task.Delay(10);", _ => true),
        new("async void", @"\basync\s+void\b", "return a Task that somebody awaits", "private async void Run()", _ => true),
        new("serializer", @"\bXmlSerializer\b|\bBinaryFormatter\b", "DomainDocument and its views", "new XmlSerializer(typeof(Disk))", InProduct),
        new("doorbell", @"\b(Manual|Auto)ResetEvent(Slim)?\b", "VersionedState.WaitAsync on a condition", "new ManualResetEventSlim()", InProduct),
        new("process", @"\bProcess\.Start\b|\bnew ProcessStartInfo\b|\bposix_spawn|""(fork|vfork|execve)""",
            "ProcessSupervisor", "Process.Start(\"qemu-img\")",
            file => InProduct(file) && !file.Path.StartsWith("src/Wherry.Qemu/Process/", StringComparison.Ordinal),
            // A connection's ssh: unlike a QEMU it must not outlive us, and a client without a driver has it too.
            "src/Wherry.Rpc/Transports/Ssh/CommandStream.cs"),
        new("socket", @"\bnew (Socket|TcpClient|TcpListener|UdpClient)\(", "Wherry.Rpc's transports, or Qmp's MonitorSession", "new TcpClient()",
            file => InProduct(file) && file.Project is not ("Wherry.Rpc" or "Wherry.Qmp"),
            // None of these carries a protocol of ours: readiness for systemd, lines for syslog and the journal, an ioctl on a network device, a look whether a port is free, QEMU's memory stream through a tunnel or to the destination.
            "src/Wherry.Daemon/Hosting/SystemdNotifier.cs", "src/Wherry.Daemon/Hosting/LogSink.cs", "src/Wherry.Qemu/Launch/NetDevice.cs", "src/Wherry.Qemu/Launch/PortAllocator.cs",
            "src/Wherry.Qemu/Migration/TunnelSocket.cs", "src/Wherry.Qemu/Migration/Source/DataConnection.cs"),
        new("pure", @"\bSystem\.Net\b|\bnew Socket\(|\bFile\.|\bDirectory\.|\bFileStream\b|\bConsole\.|\bEnvironment\.(Get|Set)|\bProcess\b\.",
            "bytes and text in, values out: I/O belongs to the callers", "File.ReadAllText(path)", file => file.Project is "Wherry.Wire" or "Wherry.Xml"),
        new("wire in the driver", @"\bWherry\.(Wire|Rpc)\b", "translate in Wherry.Daemon/Handlers", "using Wherry.Wire.Remote;", file => file.Project == "Wherry.Qemu"),
        new("suffix", @"\b(class|record|struct|interface) \w+(Manager|Helper|Helpers|Utils?|Impl)\b", "the name of the thing", "class DomainManager", _ => true),
        new("todo", @"\b(TODO|HACK|XXX)\b(?!\(#\d+\))", "TODO(#12), with the number of its issue", "TODO later", _ => true),
    ];

    public static TheoryData<string> RuleNames => [.. Rules.Select(rule => rule.Name)];

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void The_sources_do_not_break_the_rule(string name)
    {
        var rule = Rules.Single(rule => rule.Name == name);
        var found = SourceTree.CSharp
            .Where(file => rule.Applies(file) && !rule.Except.Contains(file.Path) && file.Project != "Wherry.Tidy.Tests")
            .SelectMany(file => Breaches(rule, file));
        Assert.True(!found.Any(), $"use {rule.Instead}:\n{string.Join('\n', found)}");
    }

    [Theory]
    [MemberData(nameof(RuleNames))]
    public void The_rule_catches_its_example(string name)
    {
        var rule = Rules.Single(rule => rule.Name == name);
        Assert.Single(Breaches(rule, new SourceFile("src/Wherry.Example/Example.cs", rule.Example)));
    }

    // A TODO is a comment, so that rule reads whole lines.
    private static IEnumerable<string> Breaches(Rule rule, SourceFile file) =>
        (rule.Name == "todo" ? file.Lines.Select((line, index) => (Number: index + 1, Code: line)) : file.Code)
            .Where(line => Regex.IsMatch(line.Code, rule.Banned))
            .Select(line => $"{file.Path}:{line.Number}: {line.Code.Trim()}");

    private static bool InProduct(SourceFile file) => file.Path.StartsWith("src/", StringComparison.Ordinal);
}
