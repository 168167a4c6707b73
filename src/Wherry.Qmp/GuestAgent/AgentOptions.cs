using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Wherry.Errors;

namespace Wherry.Qmp.GuestAgent;

/// <summary>Limits and surroundings of one <see cref="AgentSession"/>.</summary>
public sealed record AgentOptions
{
    /// <summary>The domain's name, for log lines.</summary>
    public required string Owner { get; init; }

    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    public ILogger Logger { get; init; } = NullLogger.Instance;

    /// <summary>For the agent's sign of life before a command, and for commands that ask for the default. libvirt's 5 s.</summary>
    public TimeSpan DefaultPatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a caller waits while another caller's command is under way. As for a domain's turn.</summary>
    public TimeSpan TurnLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest line taken from a guest, which nobody trusts. libvirt's limit.</summary>
    public int MaxLineBytes { get; init; } = 10 * 1024 * 1024;
}

/// <summary>How long an agent's answer is awaited: libvirt's numbers for it, with a meaning.</summary>
/// <param name="Seconds">-2: as long as the guest lives; -1: the default; 0: not at all; else seconds.</param>
public readonly record struct AgentPatience(int Seconds)
{
    private const int ForEver = -2;
    private const int Default = -1;

    /// <summary>Until the guest, its agent, or the caller has gone.</summary>
    public static AgentPatience Unlimited { get; } = new(ForEver);

    /// <exception cref="WherryException">InvalidArg: less than "for ever".</exception>
    public static AgentPatience From(int seconds) => seconds >= ForEver
        ? new AgentPatience(seconds)
        : throw new WherryException(ErrorCode.InvalidArg, $"guest agent timeout '{seconds}' is less than the minimum '{ForEver}'");

    /// <summary>null: no limit.</summary>
    internal TimeSpan? Limit(AgentOptions options) => Seconds switch
    {
        ForEver => null,
        Default => options.DefaultPatience,
        _ => TimeSpan.FromSeconds(Seconds),
    };

    /// <summary>For the sign of life: the default, unless this is shorter.</summary>
    internal TimeSpan LimitOfSync(AgentOptions options) =>
        Seconds >= 0 && TimeSpan.FromSeconds(Seconds) < options.DefaultPatience ? TimeSpan.FromSeconds(Seconds) : options.DefaultPatience;
}
