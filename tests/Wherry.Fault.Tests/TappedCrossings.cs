using Wherry.Testbed;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;
using Wherry.Testing;

namespace Wherry.Fault.Tests;

/// <summary><see cref="Crossings"/> whose QEMUs' monitors are within the test's reach.</summary>
public abstract class TappedCrossings(PassageOptions options) : Crossings(options)
{
    private TappedEmulator? _emulator;

    public TappedEmulator Emulator => _emulator!; // there is one since the guest was started

    /// <summary>The QEMU in which the guest is: the newest that lives, while there is no migration.</summary>
    public QmpProxy Monitor => Emulator.Monitors.Last(monitor => File.Exists($"/proc/{monitor.Pid}/exe")).Proxy;

    /// <summary>Forgets the rules of the test before.</summary>
    public async Task<Crossing> EnterTappedAsync(ITestOutputHelper output)
    {
        var crossing = await EnterAsync(output);
        Clear();
        return crossing;
    }

    internal override void Clear()
    {
        Emulator.Starting = (_, _) => { };
        Monitor.Events.Clear();
        Monitor.Replies.Clear();
    }

    protected override PassageOptions Options(HostPair pair)
    {
        _emulator = new TappedEmulator(pair.Run.Path, TestDomain.Emulator);
        return base.Options(pair) with { Emulator = _emulator.Path };
    }

    protected override async Task EndingAsync()
    {
        if (_emulator is not null)
            await _emulator.DisposeAsync();
        _emulator = null;
    }
}
