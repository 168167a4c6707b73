using System.Text.RegularExpressions;
using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Interop.Tests.Transcript;

/// <summary>Runs the script with real virsh against one pair of hosts.</summary>
internal sealed partial class VirshSession : IAsyncDisposable
{
    /// <summary>A domain that is only there to make events, so that it is known when a listener listens. Nothing of it is shown.</summary>
    private const string Lookout = "lookout";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly HostPair _pair;
    private readonly GuestImage _image;
    private readonly SerialListener _serial;
    private readonly Dictionary<string, (Step.Background Step, LongCommand Running)> _background = [];
    private int _boots;

    private VirshSession(HostPair pair, GuestImage image)
    {
        _pair = pair;
        _image = image;
        _serial = new SerialListener(pair.Run.File("serial"));
    }

    /// <summary>Every command's answer, in the script's order.</summary>
    public static async Task<IReadOnlyList<Answer>> RunAsync(SessionScript script, HostPair pair)
    {
        await using var session = new VirshSession(pair, await GuestImage.GetAsync());
        await session.PrepareAsync();
        var answers = new List<Answer>();
        foreach (var step in script.Steps)
        {
            if (await session.TakeAsync(step) is { } answer)
                answers.Add(answer);
        }

        return answers;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, running) in _background.Values)
            await running.DisposeAsync();
        await _serial.DisposeAsync();
    }

    private async Task PrepareAsync()
    {
        var fixtures = _pair.Run.CreateDirectory("xml");
        foreach (var file in Directory.EnumerateFiles(SessionScript.Directory, "*.xml"))
        {
            await File.WriteAllTextAsync(Path.Combine(fixtures, Path.GetFileName(file)), (await File.ReadAllTextAsync(file))
                .Replace("@IMAGES@", _pair.Alpha.Host.Images, StringComparison.Ordinal)
                .Replace("@KERNEL@", _image.Kernel, StringComparison.Ordinal)
                .Replace("@INITRD@", _image.Initrd, StringComparison.Ordinal)
                .Replace("@SERIAL@", _serial.Path, StringComparison.Ordinal));
        }

        foreach (var host in new[] { _pair.Alpha.Host, _pair.Bravo.Host })
        {
            // Full: how much of an empty disk is copied depends on how its zeroes are written.
            var full = Path.Combine(host.Directory, "full");
            await File.WriteAllBytesAsync(full, [.. Enumerable.Repeat((byte)0xA5, 8 * 1024 * 1024)]);
            string At(string name) => Path.Combine(host.ImagesOutside, name);
            await Command.RunAsync(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", full, At("web.qcow2")]).Checked();
            await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", At("more.qcow2"), "8M"]).Checked();
            await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", At("base.qcow2"), "8M"]).Checked();
            await Command.RunAsync(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", "base.qcow2", At("overlay.qcow2")]).Checked();
            foreach (var name in (string[])["more.raw", "stick.raw", "disc.iso", "disc2.iso"])
                await Command.RunAsync(["qemu-img", "create", "-q", "-f", "raw", At(name), "1M"]).Checked();
            foreach (var bridge in (string[])["br-one", "br-two"])
                await host.RunAsync("ip", "link", "add", bridge, "type", "bridge").Checked();
        }
    }

    private async Task<Answer?> TakeAsync(Step step)
    {
        switch (step)
        {
            case Step.Command { Host: "" } command:
                return await EndAsync(command.Text);
            case Step.Command command:
                var result = await RunAsync(command.Host, command.Arguments);
                return new Answer($"{command.Host}$ {command.Text}", Incidental(result.Output + result.Error), result.ExitCode);
            case Step.Background background:
                _background[background.Name] = (background, await StartAsync(background));
                return null;
            case Step.Ready:
                _boots++;
                await _serial.Timeline.WaitAsync($"boot {_boots}", guest => guest.OtherLines.Count(line => line == "ready") == _boots, Limit);
                return null;
            case Step.Until until:
                await UntilAsync(until);
                return null;
            default:
                return null;
        }
    }

    private async Task UntilAsync(Step.Until until)
    {
        using var timeout = new CancellationTokenSource(Limit);
        CommandResult last;
        do
        {
            if (timeout.IsCancellationRequested)
                throw new TimeoutException($"virsh did not answer '{until.Text}' within {Limit.TotalSeconds} s");
            last = await RunAsync(until.Host, until.Arguments);
        }
        while (!last.Output.Contains(until.Text, StringComparison.Ordinal));
    }

    private async Task<LongCommand> StartAsync(Step.Background step)
    {
        var running = LongCommand.Start(Daemon(step.Host).Host, CommandLine(step.Host, ["stdbuf", "-oL", "virsh", .. step.Arguments]));
        // virsh says nothing when it has subscribed: only an event shows it.
        for (var tries = 0; step.Listens && !await running.WaitAsync(lines => lines.Any(IsOfLookout), TimeSpan.FromSeconds(0.5)); tries++)
        {
            if (tries * 0.5 > Limit.TotalSeconds)
                throw new TimeoutException($"`{step.Text}` heard nothing within {Limit.TotalSeconds} s");
            await MakeEventsAsync(step.Host);
        }

        return running;
    }

    private async Task<Answer> EndAsync(string name)
    {
        var (step, running) = _background[name];
        if (!step.Listens)
        {
            var (code, said) = await running.EndAsync();
            return new Answer($"{step.Host}$ {step.Text}", Incidental(string.Join('\n', running.Lines) + said), code);
        }

        return await HearAsync(step, running);
    }

    private async Task<Answer> HearAsync(Step.Background step, LongCommand running)
    {
        // Events of one daemon come in order: when this one is there, so are all before it.
        var heard = running.Lines.Count(IsLastOfLookout);
        await MakeEventsAsync(step.Host);
        if (!await running.WaitAsync(lines => lines.Count(IsLastOfLookout) > heard, Limit))
            throw new TimeoutException($"`{step.Text}` heard no further event within {Limit.TotalSeconds} s");
        var (exitCode, error) = await running.InterruptAsync();
        var lines = running.Lines.Where(line => !IsOfLookout(line) && !LaterPass().IsMatch(line)).ToList();
        var left = running.Lines.Count - lines.Count;
        var text = Count().Replace(
            string.Join('\n', lines), match => $"events received: {int.Parse(match.Groups[1].Value) - left}");
        return new Answer($"{step.Host}$ {step.Text}", Incidental(text + error), exitCode);
    }

    private async Task MakeEventsAsync(string host)
    {
        foreach (var command in (string[])["suspend", "resume"])
            (await RunAsync(host, [command, Lookout])).ToString();
    }

    private static bool IsOfLookout(string line) => line.Contains($"'{Lookout}'", StringComparison.Ordinal);

    private static bool IsLastOfLookout(string line) =>
        IsOfLookout(line) && (line.Contains("Resumed", StringComparison.Ordinal) || line.Contains("RESUME", StringComparison.Ordinal));

    private Task<CommandResult> RunAsync(string host, string[] arguments) =>
        Command.RunAsync(Daemon(host).Host.Enter(CommandLine(host, ["virsh", .. arguments])), Limit);

    private string[] CommandLine(string host, string[] command) =>
        ["sh", "-c", "cd \"$1\" && export LIBVIRT_DEFAULT_URI=\"$2\" && shift 2 && exec \"$@\"", "sh", _pair.Run.File("xml"), Daemon(host).Uri, .. command];

    private DaemonRunner Daemon(string host) => host == "alpha" ? _pair.Alpha : _pair.Bravo;

    /// <summary>Takes out what differs from run to run or from machine to machine, and nothing else.</summary>
    private string Incidental(string text)
    {
        foreach (var (value, name) in ((string, string)[])
        [
            (_image.Kernel, "/boot/vmlinuz"),
            (_image.Initrd, "/boot/initrd"),
            ($"{_pair.Alpha.Host.Uuid}", "UUID-OF-ALPHA"),
            ($"{_pair.Bravo.Host.Uuid}", "UUID-OF-BRAVO"),
            (_pair.Alpha.Host.Images, "/images"),
            (_pair.Run.Path, "/run-directory"),
        ])
            text = text.Replace(value, name, StringComparison.Ordinal);
        text = Numbers().Replace(text, "${before}N");
        text = QemuRelease().Replace(text, "${before}.N");
        // Stock has two texts for a QEMU that ends while it starts; which one depends on who is quicker.
        text = text.Replace("process exited while connecting to monitor", "qemu unexpectedly closed the monitor", StringComparison.Ordinal);
        if (text.Contains("Unbounded", StringComparison.Ordinal))
            text = RunningJobFigures().Replace(RunningBandwidth().Replace(text, ""), "${before}N");
        text = JobFigures().Replace(text, "${before}N");
        text = QemuTime().Replace(text, "TIME ");
        return text.Trim('\n');
    }

    /// <summary>How often a migration goes over the guest's memory depends on how quick it is.</summary>
    [GeneratedRegex("^event 'migration-iteration' .* iteration: '(?!1')")]
    private static partial Regex LaterPass();

    [GeneratedRegex(@"(?<before>hypervisor: QEMU \d+\.\d+)\.\d+")]
    private static partial Regex QemuRelease();

    [GeneratedRegex(@"events received: (\d+)")]
    private static partial Regex Count();

    [GeneratedRegex(@"(?<before>/dev/pts/|CPU time: +|\bat (?=\d+\.\d+ for domain)|pid=|pid |""libvirt-)[\d.]+s?")]
    private static partial Regex Numbers();

    /// <summary>What a migration took depends on the machine; what it has to move does not.</summary>
    [GeneratedRegex(
        @"(?<before>^\t(time_elapsed|downtime|setup_time|(data|memory)_processed|memory_(bps|constant|normal|dirty_rate|iteration))\w*: "
        + @"|^(Time elapsed|Data processed|Memory processed|Memory bandwidth|Dirty rate|Iteration|Constant|Normal|Total downtime|Downtime|Setup time)[^:]*: +)[\d.]+.*",
        RegexOptions.Multiline)]
    private static partial Regex JobFigures();

    /// <summary>All that a job under way tells of itself is out of date when it is read.</summary>
    [GeneratedRegex(@"(?<before>^[A-Z][^:]*: +)[\d.]+.*", RegexOptions.Multiline)]
    private static partial Regex RunningJobFigures();

    /// <summary>virsh leaves it out while it is nought, as in the first tenth of a second.</summary>
    [GeneratedRegex(@"^(Memory|File) bandwidth:.*\n", RegexOptions.Multiline)]
    private static partial Regex RunningBandwidth();

    [GeneratedRegex(@"\d{4}-\d\d-\d\dT[\d:.]+Z ")]
    private static partial Regex QemuTime();
}
