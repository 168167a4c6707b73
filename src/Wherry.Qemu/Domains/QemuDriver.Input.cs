using System.Collections.Immutable;
using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Input;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Domains;

// What somebody at the machine would do: press keys, and the button for a non-maskable interrupt.
public sealed partial class QemuDriver
{
    /// <summary>virsh inject-nmi.</summary>
    public async Task InjectNmiAsync(Domain domain, string owner, CancellationToken ct)
    {
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        await ActiveQemu(domain).Monitor.ExecuteAsync(new InjectNmi(), ct);
    }

    /// <summary>virsh send-key: presses all keys, holds them, and lets go.</summary>
    /// <param name="codeset">libvirt's number of the set that the keys are numbered in.</param>
    /// <param name="holdTime">Zero: QEMU's own 100 ms.</param>
    /// <exception cref="WherryException">InvalidArg: no such set; InternalError: the set has no such key; OperationFailed: no key number.</exception>
    public async Task SendKeyAsync(
        Domain domain, uint codeset, TimeSpan holdTime, IReadOnlyList<uint> keys, string owner, CancellationToken ct)
    {
        const uint greatest = 0xffff;
        var numbers = keys.Select(key => KeyCodes.ToQnum(codeset, key)).ToImmutableArray();
        using var lease = await BeginAsync(domain, JobKind.Modify, owner, ct);
        var qemu = ActiveQemu(domain);
        for (var i = 0; i < numbers.Length; i++)
        {
            if (numbers[i] > greatest)
                throw new WherryException(ErrorCode.OperationFailed, $"keycode {i} is invalid: 0x{numbers[i]:X}");
        }
        await qemu.Monitor.ExecuteAsync(
            new SendKey([.. numbers.Select(number => new KeyValue("number", (int)number))])
            {
                HoldTime = holdTime > TimeSpan.Zero ? (long)holdTime.TotalMilliseconds : null,
            },
            ct);
    }
}
