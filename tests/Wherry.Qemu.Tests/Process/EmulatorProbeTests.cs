using Wherry.Errors;
using Wherry.Qemu.Host;
using Wherry.Qemu.Process;
using Wherry.Qmp.Capabilities;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Process;

public sealed class EmulatorProbeTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("wherry-test-");
    private readonly ListLogger _log = new();
    private readonly ProcessSupervisor _supervisor;
    private readonly EmulatorProbe _probe;

    public EmulatorProbeTests()
    {
        _supervisor = new ProcessSupervisor(_log);
        _probe = new EmulatorProbe(
            _supervisor, new CapabilitiesCache(_directory.FullName, _log), new ProcessTermination(new TerminationOptions(), TimeProvider.System, _log),
            new HostFiles(_directory.FullName), _log);
    }

    public void Dispose()
    {
        _supervisor.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_binary_is_started_once_and_then_known_from_the_cache()
    {
        var first = await _probe.ProbeAsync(RealQemu.Binary, TestContext.Current.CancellationToken).Within();
        var second = await _probe.ProbeAsync(RealQemu.Binary, TestContext.Current.CancellationToken).Within();
        Assert.Equal(first.Version, second.Version);
        Assert.Equal(first.Schema, second.Schema);
        Assert.Single(_log.Lines, l => l.Id == 5001);
    }

    [Fact]
    public async Task A_binary_that_is_not_QEMU_fails_at_once_with_what_it_printed()
    {
        var binary = Path.Combine(_directory.FullName, "qemu-system-x86_64");
        await File.WriteAllTextAsync(binary, "#!/bin/sh\necho 'I am a teapot' >&2\nexit 1\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(binary, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var error = await Assert.ThrowsAsync<WherryException>(() => _probe.ProbeAsync(binary, TestContext.Current.CancellationToken).Within());
        Assert.Equal(ErrorCode.InternalError, error.Code);
        Assert.Contains("I am a teapot", error.Message, StringComparison.Ordinal);
    }
}
