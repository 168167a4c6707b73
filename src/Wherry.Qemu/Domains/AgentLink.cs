using Wherry.Qmp.GuestAgent;

namespace Wherry.Qemu.Domains;

/// <summary>The way to the agent inside one running guest: there is one while the guest has its end of the channel open.</summary>
internal sealed class AgentLink
{
    private volatile AgentSession? _session;
    private volatile bool _failed;

    /// <summary>The task that follows the channel; ends with the run.</summary>
    public Task Following { get; set; } = Task.CompletedTask;

    /// <summary>The channel is open, but could not be connected to.</summary>
    public bool HasFailed => _failed;

    /// <summary>null: nobody to talk to.</summary>
    public AgentSession? Session => _session is { IsLost: false } session ? session : null;

    /// <param name="path">The channel's socket; null when the guest has closed its end.</param>
    /// <exception cref="WherryException">SystemError: it cannot be connected to.</exception>
    public async Task ChangeAsync(string? path, AgentOptions options, CancellationToken ct)
    {
        await CloseAsync();
        if (path is null)
            return;
        try
        {
            _session = await AgentSession.ConnectAsync(path, options, ct);
        }
        catch (WherryException)
        {
            _failed = true;
            throw;
        }
    }

    public async ValueTask CloseAsync()
    {
        _failed = false;
        if (Interlocked.Exchange(ref _session, null) is { } session)
            await session.DisposeAsync();
    }
}
