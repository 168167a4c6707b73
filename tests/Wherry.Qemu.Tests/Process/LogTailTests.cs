using Wherry.Qemu.Process;

namespace Wherry.Qemu.Tests.Process;

public sealed class LogTailTests : IDisposable
{
    private readonly string _log = Path.GetTempFileName();

    public void Dispose() => File.Delete(_log);

    [Fact]
    public void The_last_lines_of_this_run_are_told_without_where_a_pseudo_terminal_is()
    {
        File.WriteAllText(_log, "of an earlier run\n");
        var mark = LogTail.Mark(_log);
        File.AppendAllText(_log, "char device redirected to /dev/pts/3 (label charserial0)\nqemu: could not open kernel file\n");
        Assert.Equal("qemu: could not open kernel file", LogTail.Read(_log, mark));
    }

    [Fact]
    public void No_more_lines_are_told_than_an_error_may_carry()
    {
        File.WriteAllLines(_log, Enumerable.Range(1, LogTail.MaxLines + 5).Select(number => $"line {number}"));
        var told = LogTail.Read(_log, 0).Split('\n');
        Assert.Equal((LogTail.MaxLines, "line 6"), (told.Length, told[0]));
        Assert.Equal("", LogTail.Read(_log + ".nosuch", 0));
    }
}
