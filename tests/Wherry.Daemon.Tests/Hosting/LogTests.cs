using System.Text;
using Microsoft.Extensions.Logging;
using Wherry.Daemon.Configuration;
using Wherry.Daemon.Hosting;
using Wherry.Errors;

namespace Wherry.Daemon.Tests.Hosting;

public sealed class LogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("wherry-log-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory, Trait("req", "S2.29")]
    [InlineData("1:qemu", "Wherry.Qemu.Migration", true)]
    [InlineData("1:qemu", "Wherry.Rpc", false)]
    [InlineData("1:rpc.netserver", "Wherry.Rpc", true)]
    [InlineData("1:qemu.qemu_monitor", "Wherry.Qmp", true)]
    [InlineData("1:*", "Wherry.Rpc", true)]
    [InlineData("1:q?mu.d*s", "Wherry.Qemu.Domains", true)]
    [InlineData("4:rpc 1:*", "Wherry.Rpc", false)]
    public void The_first_filter_that_matches_our_name_or_libvirts_decides(string filters, string category, bool logsDebug) =>
        Assert.Equal(logsDebug, new LogSettings { Filters = LogSettings.ParseFilters(filters) }.IsEnabled(category, LogLevel.Debug));

    [Fact]
    public void Bad_filters_and_outputs_leave_what_was_there()
    {
        var file = Path.Combine(_directory, "a");
        using var log = new DaemonLoggerFactory(new LogSettings { Outputs = LogSettings.ParseOutputs($"1:file:{file}") }, TimeProvider.System);
        log.SetFilters("3:rpc");
        Assert.Equal(ErrorCode.InvalidArg, Assert.Throws<WherryException>(() => log.SetFilters("1:qemu 7:rpc")).Code);
        Assert.Throws<WherryException>(() => log.SetOutputs("1:stderr 1:file"));
        Assert.Throws<WherryException>(() => log.SetOutputs($"3:file:{file} 1:file:{_directory}/none/b"));
        log.CreateLogger("Wherry.Qmp").LogInformation(new EventId(7, "Seen"), "still here");
        Assert.Contains("info : Seen:7 : still here", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.Equal(["3:*rpc*"], log.Settings.Filters.Select(filter => filter.ToString()));
    }

    [Fact]
    public void Each_output_takes_what_is_severe_enough_for_it()
    {
        var (all, errors) = (Path.Combine(_directory, "all"), Path.Combine(_directory, "errors"));
        using var log = new DaemonLoggerFactory(
            new LogSettings { Outputs = LogSettings.ParseOutputs($"1:file:{all} 4:file:{errors}") }, TimeProvider.System);
        var logger = log.CreateLogger("Wherry.Rpc");
        logger.LogWarning("a warning");
        logger.LogError("an error");
        Assert.Equal(2, File.ReadAllLines(all).Length);
        Assert.Contains("an error", Assert.Single(File.ReadAllLines(errors)), StringComparison.Ordinal);
    }

    [Fact, Trait("req", "S2.27")]
    public void A_line_has_libvirts_form_in_a_file_and_in_syslog()
    {
        var line = new LogLine(
            new DateTimeOffset(2023, 1, 5, 5, 7, 36, 721, TimeSpan.Zero), 114785, LogLevel.Information, "Wherry.Rpc", "KeepAliveTimeout", 1033,
            "RPC_KEEPALIVE_TIMEOUT: ka=1 client=1 countToDeath=0 idle=30");
        Assert.Equal(
            "2023-01-05 05:07:36.721+0000: 114785: info : KeepAliveTimeout:1033 : RPC_KEEPALIVE_TIMEOUT: ka=1 client=1 countToDeath=0 idle=30\n",
            Encoding.UTF8.GetString(line.ForFile()));
        Assert.Matches(
            @"^<30>[A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:\d\d me\[17\]: 114785: info : KeepAliveTimeout:1033 : RPC_KEEPALIVE_TIMEOUT: ",
            Encoding.UTF8.GetString(line.ForSyslog("me", 17)));
    }

    [Fact]
    public void A_line_for_the_journal_may_hold_line_ends()
    {
        var line = new LogLine(default, 5, LogLevel.Error, "Wherry.Rpc", "Failed", 1013, "one\ntwo");
        var bytes = line.ForJournal();
        var message = bytes.AsSpan(bytes.AsSpan().IndexOf("MESSAGE\n"u8));
        Assert.True(message.SequenceEqual("MESSAGE\n\x07\0\0\0\0\0\0\0one\ntwo\n"u8));
        Assert.True(bytes.AsSpan().IndexOf("PRIORITY\n\u0001\0\0\0\0\0\0\u00003\n"u8) == 0);
    }
}
