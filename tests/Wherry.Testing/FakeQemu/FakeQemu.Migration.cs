using System.Text.Json.Nodes;
using Wherry.Qmp.Values;

namespace Wherry.Testing;

// Migration. Source: setup, active, (stop) pre-switchover, device, completed. The rules of who resumes, who exits and who notices nothing
// are those recorded from QEMU 7.2.
public sealed partial class FakeQemu
{
    private readonly Dictionary<string, bool> _capabilities = new(StringComparer.Ordinal)
    {
        ["xbzrle"] = false, ["auto-converge"] = false, ["events"] = false, ["postcopy-ram"] = false, ["pause-before-switchover"] = false,
        ["multifd"] = false, ["late-block-activate"] = false, ["return-path"] = false,
    };

    private readonly JsonObject _parameters = new()
    {
        ["max-bandwidth"] = 134217728, ["downtime-limit"] = 300, ["cpu-throttle-initial"] = 20, ["cpu-throttle-increment"] = 10,
        ["tls-creds"] = "", ["tls-hostname"] = "",
    };

    private MigrationStatus? _migration;
    private FakeQemu? _peer;
    private string? _migrationError;
    private JsonArray? _socketAddress;
    private bool _autostart;
    private bool _ranBefore;
    private int _passes;

    /// <summary>Where a source's stream goes; a test joins two before it migrates. No peer: the connection is refused.</summary>
    public FakeQemu? MigratesTo { get; set; }

    /// <summary>The source stands in this state until <see cref="GoOn"/>: active (it does not converge) or device (the destination is slow).</summary>
    public MigrationStatus? HoldAt { get; set; }

    public MigrationStatus? Migration => _migration;

    /// <summary>Leaves the state of <see cref="HoldAt"/>.</summary>
    public void GoOn()
    {
        lock (Gate)
        {
            HoldAt = null;
            if (_migration == MigrationStatus.Active)
            {
                Switchover();
            }
            else if (_migration == MigrationStatus.Device)
            {
                Complete();
            }
        }
    }

    private bool ExecuteMigrationCommand(string name, JsonObject arguments, out JsonNode? answer)
    {
        answer = null;
        switch (name)
        {
            case "migrate-set-capabilities":
                foreach (var capability in arguments["capabilities"]!.AsArray())
                {
                    _capabilities[(string)capability!["capability"]!] = (bool)capability["state"]!;
                }

                return true;
            case "query-migrate-capabilities":
                answer = new JsonArray([.. _capabilities.Select(c => new JsonObject { ["capability"] = c.Key, ["state"] = c.Value })]);
                return true;
            case "migrate-set-parameters":
                foreach (var (key, value) in arguments)
                {
                    _parameters[key] = value?.DeepClone();
                }

                return true;
            case "query-migrate-parameters":
                answer = _parameters.DeepClone();
                return true;
            case "query-migrate":
                answer = QueryMigrate();
                return true;
            case "migrate-incoming":
                Require(Status == RunState.Inmigrate, "The incoming migration has already been started");
                _socketAddress = [new JsonObject { ["type"] = "inet", ["host"] = "::", ["port"] = "49152" }];
                SetMigration(MigrationStatus.Setup, shownByQuery: false);
                return true;
            case "migrate":
                Migrate();
                return true;
            case "migrate-continue":
                Continue(Text(arguments, "state"));
                return true;
            case "migrate_cancel":
                CancelMigration();
                return true;
            default:
                return false;
        }
    }

    private JsonObject QueryMigrate()
    {
        var info = new JsonObject();
        if (_migration is { } status)
        {
            info["status"] = status.Value;
            info["total-time"] = 100;
            info["ram"] = new JsonObject
            {
                ["transferred"] = 1 << 20, ["remaining"] = 0, ["total"] = 1 << 20, ["duplicate"] = 0, ["normal"] = 256, ["normal-bytes"] = 1 << 20,
                ["dirty-pages-rate"] = 0, ["mbps"] = 100.5, ["dirty-sync-count"] = _passes, ["page-size"] = 4096, ["pages-per-second"] = 1000,
            };
        }

        if (_migrationError is not null)
        {
            info["error-desc"] = _migrationError;
        }

        if (_socketAddress is not null)
        {
            info["socket-address"] = _socketAddress.DeepClone();
        }

        return info;
    }

    private void Migrate()
    {
        Require(Status != RunState.Postmigrate, "Can't migrate the vm that was paused due to previous migration");
        Require(Status != RunState.Inmigrate, "Guest is waiting for an incoming migration");
        Require(_migration is not { } s || IsOver(s), "There's a migration process in progress");
        _ranBefore = Running;
        _passes = 0;
        _migrationError = null;
        SetMigration(MigrationStatus.Setup);
        if (MigratesTo is not { } peer || peer.Process.Exited.IsCompleted || peer.Status != RunState.Inmigrate || peer._socketAddress is null)
        {
            FailMigration("Failed to connect: Connection refused");
            return;
        }

        _peer = peer;
        peer._peer = this;
        peer.SetMigration(MigrationStatus.Active);
        Pass();
        SetMigration(MigrationStatus.Active);
        if (HoldAt != MigrationStatus.Active)
        {
            Switchover();
        }
    }

    private void Switchover()
    {
        Pass();
        StopVcpus(RunState.FinishMigrate);
        if (_capabilities.GetValueOrDefault("pause-before-switchover"))
        {
            SetMigration(MigrationStatus.PreSwitchover); // And waits, without limit, noticing nothing.
        }
        else
        {
            EnterDevice();
        }
    }

    private void Continue(string state)
    {
        Require(_migration?.Value == state, $"Migration not in expected state: {_migration?.Value ?? "none"}");
        EnterDevice();
    }

    private void EnterDevice()
    {
        SetMigration(MigrationStatus.Device);
        Pass();
        if (_peer is null || _peer.Process.Exited.IsCompleted)
        {
            FailMigration("Unable to write to socket: Broken pipe"); // Only now does it learn of a death in pre-switchover.
        }
        else if (HoldAt != MigrationStatus.Device)
        {
            Complete();
        }
    }

    private void Complete()
    {
        var peer = _peer!; // ! : device is reached with a peer only
        peer.SetMigration(MigrationStatus.Completed);
        peer.Status = RunState.Paused;
        if (peer._autostart)
        {
            peer.SetRunning();
        }

        peer._peer = null;
        _peer = null;
        Status = RunState.Postmigrate;
        SetMigration(MigrationStatus.Completed);
    }

    private void CancelMigration()
    {
        if (_migration is not { } status || IsOver(status))
        {
            return; // No effect, and no error.
        }

        SetMigration(MigrationStatus.Cancelling);
        var peer = _peer;
        _peer = null;
        ResumeAfterFailure(); // RESUME comes before "cancelled".
        SetMigration(MigrationStatus.Cancelled);
        peer?.LoseSource();
    }

    private void FailMigration(string error)
    {
        _migrationError = error;
        _peer = null;
        SetMigration(MigrationStatus.Failed);
        ResumeAfterFailure(); // RESUME comes after "failed".
    }

    private void CutStream()
    {
        var peer = _peer;
        FailMigration("Unable to write to socket: Broken pipe");
        peer?.LoseSource();
    }

    private void ResumeAfterFailure()
    {
        if (Status != RunState.FinishMigrate)
        {
            return;
        }

        if (_ranBefore)
        {
            SetRunning();
        }
        else
        {
            Status = RunState.Postmigrate; // Not paused: and it cannot be migrated again until it has run.
        }
    }

    /// <summary>A destination without its source fails and, in 7.2, exits.</summary>
    private void LoseSource()
    {
        _peer = null;
        SetMigration(MigrationStatus.Failed);
        Process.End(new(1, Signal: null));
    }

    /// <summary>This process has ended: what the other one sees of it.</summary>
    private void PeerLost()
    {
        var other = _peer;
        _peer = null;
        if (other is null)
        {
            return;
        }

        var outgoing = other.MigratesTo == this;
        if (!outgoing)
        {
            other.LoseSource();
        }
        else if (other._migration != MigrationStatus.PreSwitchover)
        {
            other.FailMigration("Unable to write to socket: Connection reset by peer");
        }
    }

    private void Pass() => Emit("MIGRATION_PASS", new JsonObject { ["pass"] = ++_passes });

    private void SetMigration(MigrationStatus status, bool shownByQuery = true)
    {
        if (shownByQuery)
        {
            _migration = status;
        }

        if (_capabilities.GetValueOrDefault("events"))
        {
            Emit("MIGRATION", new JsonObject { ["status"] = status.Value });
        }
    }

    private static bool IsOver(MigrationStatus status) =>
        status == MigrationStatus.Completed || status == MigrationStatus.Failed || status == MigrationStatus.Cancelled || status == MigrationStatus.None;
}
