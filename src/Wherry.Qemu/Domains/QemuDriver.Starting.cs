using Wherry.Qemu.Domains.Jobs;
using Wherry.Qemu.Process;

namespace Wherry.Qemu.Domains;

// Start of a stored definition, creation of a transient domain, and the launch that an incoming migration uses as well.
public sealed partial class QemuDriver
{
    /// <summary>virsh start.</summary>
    public async Task StartAsync(Domain domain, StartOptions options, string owner, CancellationToken ct)
    {
        RefuseInDoubt(domain.Uuid);
        using var lease = await BeginAsync(domain, AsyncJobKind.Start, owner, ct);
        RefuseUnknownRun(domain.Name);
        var config = domain.Snapshot is { IsActive: false, Config: { } stored }
            ? stored
            : throw new WherryException(ErrorCode.OperationInvalid, "domain is already running");
        await RereadAsync(domain, config, ct);
        await BootAsync(domain, config, options, ct);
    }

    /// <summary>
    /// libvirt keeps a started domain's definition as a copy that it makes by writing and reading it. What one reading appends (a controller
    /// that the devices asked for), the next one puts in its place; so do we, or the two would show the same machine in different orders.
    /// </summary>
    private async Task RereadAsync(Domain domain, DomainDefinition config, CancellationToken ct)
    {
        var again = new DomainDefinition(
            config.Document.Complete(await ForCompletionAsync(config.Document.Emulator, newDomain: false, ct)));
        domain.Change(now => now.Config == config ? now with { Config = again } : now);
    }

    /// <summary>virsh create: a domain that exists as long as it runs. If a definition of that name and UUID is stored, this run uses
    /// the given one and the stored one stays.</summary>
    public async Task<Domain> CreateAsync(string xml, StartOptions options, string owner, CancellationToken ct)
    {
        var definition = await CompleteAsync(xml, newDomain: true, ct);
        RefuseInDoubt(definition.Spec.Uuid); // before all else: "already active" would be true of a copy that may have no right to be
        var domain = AddActive(definition);
        using var lease = await domain.Jobs.BeginAsync(AsyncJobKind.Start, owner, ct);
        try
        {
            RefuseInDoubt(domain.Uuid);
            RefuseUnknownRun(domain.Name);
            if (domain.Snapshot.IsActive)
                throw AlreadyActive(domain);
            await BootAsync(domain, definition, options, ct);
            return domain;
        }
        catch
        {
            await ForgetUnlessUsedAsync(domain);
            throw;
        }
    }

    /// <summary>Takes name and UUID for a domain that is about to run: a new one, or a stored one that is not running.</summary>
    /// <exception cref="WherryException">OperationFailed: the name or the UUID is another's. OperationInvalid: it runs already.</exception>
    public Domain AddActive(DomainDefinition definition)
    {
        var (name, uuid) = (definition.Spec.Name, definition.Spec.Uuid);
        var domain = Domains.GetOrAdd(name, uuid, () => NewDomain(new DomainSnapshot { Name = name, Uuid = uuid }), out var added);
        if (added)
            return domain;
        if (domain.Snapshot.IsActive)
            throw AlreadyActive(domain);
        if (!domain.Snapshot.IsPersistent)
            throw new WherryException(ErrorCode.OperationInvalid, $"domain '{name}' is already being started", ErrorDomain.Domain);
        return domain;
    }

    private static WherryException AlreadyActive(Domain domain) =>
        new(ErrorCode.OperationInvalid, $"domain '{domain.Name}' is already active", ErrorDomain.Domain);

    private async Task BootAsync(Domain domain, DomainDefinition definition, StartOptions options, CancellationToken ct)
    {
        var begun = _time.GetTimestamp();
        var qemu = await LaunchAsync(domain, definition, new LaunchRequest { ResetNvram = options.ResetNvram }, ct);
        try
        {
            if (!options.Paused)
                await RunCpusAsync(domain, qemu, RunningReason.Booted, ct);
            domain.AutodestroyOwner = options.AutodestroyOwner;
            domain.Apply(new DomainInput.Launched(StartedDetail.Booted, options.Paused ? PausedReason.User : null));
        }
        catch (Exception e)
        {
            await AbandonAsync(domain, qemu, e);
            throw;
        }
        DomainLog.Started(
            _logger, domain.Name, domain.Snapshot.Id, qemu.Process.Pid, (long)_time.GetElapsedTime(begun).TotalMilliseconds);
    }

    /// <summary>
    /// Brings up QEMU for a domain, CPUs stopped (or waiting for a migration). The caller holds the domain's async job, goes on to
    /// announce the start, and ends the run by <see cref="StopAsync"/> if that fails. When this itself fails, nothing is left.
    /// </summary>
    public async Task<QemuInstance> LaunchAsync(Domain domain, DomainDefinition definition, LaunchRequest request, CancellationToken ct)
    {
        var id = Domains.NextId();
        await BeginRunAsync(domain, () =>
            domain.Apply(new DomainInput.Launching(request.Incoming), now => now with { Id = id, Live = definition }), ct);
        try
        {
            var launched = await _launcher.LaunchAsync(
                new LaunchTarget(domain.Name, domain.Uuid, id, definition), request, spawned => domain.Launching = spawned, ct);
            domain.Change(now => now with { Live = launched.Live });
            domain.Attach(launched.Qemu);
            domain.Launching = null;
            await PlaceThreadsAsync(launched.Qemu, launched.Live, ct);
            AnnounceAgents(domain, launched.AgentsConnected);
            var written = domain.Snapshot;
            await WriteStatusAsync(written, launched.Qemu, ct);
            KeepStatusWritten(domain, launched.Qemu, written);
            Watch(domain, launched.Qemu);
            return launched.Qemu;
        }
        catch (Exception e)
        {
            domain.Launching = null;
            if (domain.Qemu is { } qemu)
            {
                await AbandonAsync(domain, qemu, e);
                throw;
            }
            var before = domain.Snapshot;
            RemoveRunFiles(before);
            await EndRunAsync(domain, () => domain.Detach(StopIntent.NotStarted()));
            DomainLog.NotStarted(_logger, domain.Name, e.Message);
            throw;
        }
    }

    /// <summary>From here the domain is active: it is not forgotten before this run has ended, and what was undefined meanwhile is not run.</summary>
    private async Task BeginRunAsync(Domain domain, Action begin, CancellationToken ct)
    {
        using var turn = await domain.DefineAloneAsync(ct);
        if (Domains.Find(domain.Uuid) != domain)
            throw DomainRefusals.Vanished(domain);
        begin();
    }

    private async Task AbandonAsync(Domain domain, QemuInstance qemu, Exception cause)
    {
        DomainLog.NotStarted(_logger, domain.Name, cause.Message);
        await StopAsync(domain, qemu, StopIntent.NotStarted(), TerminationFlags.Force, CancellationToken.None);
    }
}
