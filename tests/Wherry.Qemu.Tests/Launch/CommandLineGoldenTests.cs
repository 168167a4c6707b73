using Wherry.Qemu.Launch;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>
/// Domain XML in, argument list out. A difference is either a bug or guest hardware that changes under running users:
/// <c>UPDATE_SNAPSHOTS=1</c> rewrites the files, the diff is for a human to read.
/// </summary>
public sealed class CommandLineGoldenTests
{
    public static TheoryData<string> Names => RecordedDomains.Names;

    [Theory]
    [MemberData(nameof(Names))]
    public void The_command_line_is_as_recorded(string name)
    {
        var spec = RecordedDomains.Spec(name);
        var plan = CommandLine.Build(spec, LaunchContexts.Fixed.WithTaps(spec));
        var actual = string.Join('\n', [plan.Emulator, .. plan.Arguments]) + "\n";

        var recorded = RecordedDomains.ArgvPath(name);
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(recorded, actual);
        Assert.Equal(File.ReadAllText(recorded), actual);
    }
}
