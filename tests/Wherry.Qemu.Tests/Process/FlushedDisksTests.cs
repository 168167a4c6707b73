using System.Globalization;
using Wherry.Qemu.Process;
using Wherry.Qmp.Commands;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Process;

/// <summary>What S4 is about: the guest's writes that QEMU still holds are in the image when the process is gone.</summary>
public sealed class FlushedDisksTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("req", "S4.14")]
    public async Task Cached_writes_are_in_a_clean_image_after_a_graceful_end()
    {
        var directory = Directory.CreateTempSubdirectory("wherry-test-");
        var image = Path.Combine(directory.FullName, "disk.qcow2");
        var log = new ListLogger();
        using var supervisor = new ProcessSupervisor(log);
        Assert.Equal("", await RunAsync(supervisor, directory, "/usr/bin/qemu-img", "create", "-q", "-f", "qcow2", image, "256M"));

        await using (var qemu = await RealQemu.StartAsync(Ct, arguments:
            ["-blockdev", $$"""{"driver": "qcow2", "node-name": "disk", "file": {"driver": "file", "filename": "{{image}}" } }"""]))
        {
            // Scattered, so that many tables of the image are dirty in QEMU's cache; nothing asks for a flush.
            for (var i = 0; i < 64; i++)
            {
                var command = string.Create(CultureInfo.InvariantCulture, $"qemu-io disk \"write -P {i + 1} {i * 4}M 64k\"");
                Assert.DoesNotContain("failed", await qemu.Monitor.ExecuteAsync(new HumanMonitorCommand(command), Ct), StringComparison.Ordinal);
            }

            var termination = new ProcessTermination(new TerminationOptions(), TimeProvider.System, log);
            Assert.Equal(TerminationResult.Gone, await termination.TerminateAsync("web1", qemu.Process, TerminationFlags.None, Ct).Within());
            Assert.Equal(0, (await qemu.Process.Exited).Code);
        }

        Assert.Contains("No errors were found", await RunAsync(supervisor, directory, "/usr/bin/qemu-img", "check", image), StringComparison.Ordinal);
        string[] reads = [.. Enumerable.Range(0, 64).SelectMany(i => (string[])["-c", string.Create(CultureInfo.InvariantCulture, $"read -P {i + 1} {i * 4}M 64k")])];
        Assert.DoesNotContain("failed", await RunAsync(supervisor, directory, "/usr/bin/qemu-io", [.. reads, image]), StringComparison.Ordinal);
        directory.Delete(recursive: true);
    }

    private static async Task<string> RunAsync(ProcessSupervisor supervisor, DirectoryInfo directory, string executable, params string[] arguments)
    {
        var output = Path.Combine(directory.FullName, Guid.NewGuid().ToString());
        var process = supervisor.Start(new ProcessStart { Executable = executable, Arguments = [.. arguments], LogPath = output });
        Assert.Equal(0, (await process.Exited.Within()).Code);
        return await File.ReadAllTextAsync(output, Ct);
    }
}
