using System.Text.Json.Serialization;

namespace Wherry.Qmp.Values;

/// <summary>Where a migration stream is (QAPI MigrationStatus). An unknown one means "not finished, nothing decided".</summary>
[JsonConverter(typeof(OpenEnumConverter<MigrationStatus>))]
public readonly record struct MigrationStatus(string Value) : IOpenEnum<MigrationStatus>
{
    public static readonly MigrationStatus None = new("none");
    public static readonly MigrationStatus Setup = new("setup");
    public static readonly MigrationStatus Cancelling = new("cancelling");
    public static readonly MigrationStatus Cancelled = new("cancelled");
    public static readonly MigrationStatus Active = new("active");
    public static readonly MigrationStatus PostcopyActive = new("postcopy-active");
    public static readonly MigrationStatus PostcopyPaused = new("postcopy-paused");

    /// <summary>Since QEMU 9.1.</summary>
    public static readonly MigrationStatus PostcopyRecoverSetup = new("postcopy-recover-setup");

    public static readonly MigrationStatus PostcopyRecover = new("postcopy-recover");
    public static readonly MigrationStatus Completed = new("completed");
    public static readonly MigrationStatus Failed = new("failed");

    /// <summary>The guest is stopped and QEMU waits, without limit, for <c>migrate-continue</c>.</summary>
    public static readonly MigrationStatus PreSwitchover = new("pre-switchover");

    /// <summary>Device state is on its way.</summary>
    public static readonly MigrationStatus Device = new("device");

    public static readonly MigrationStatus WaitUnplug = new("wait-unplug");

    public static MigrationStatus From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>A switch of the migration (QAPI MigrationCapability).</summary>
[JsonConverter(typeof(OpenEnumConverter<MigrationCapability>))]
public readonly record struct MigrationCapability(string Value) : IOpenEnum<MigrationCapability>
{
    public static readonly MigrationCapability Events = new("events");
    public static readonly MigrationCapability PauseBeforeSwitchover = new("pause-before-switchover");
    public static readonly MigrationCapability ReturnPath = new("return-path");

    /// <summary>Destination: images are activated and locked at <c>cont</c>, not when the stream is loaded.</summary>
    public static readonly MigrationCapability LateBlockActivate = new("late-block-activate");

    public static readonly MigrationCapability PostcopyRam = new("postcopy-ram");
    public static readonly MigrationCapability Multifd = new("multifd");
    public static readonly MigrationCapability Xbzrle = new("xbzrle");
    public static readonly MigrationCapability Compress = new("compress");
    public static readonly MigrationCapability AutoConverge = new("auto-converge");
    public static readonly MigrationCapability ZeroCopySend = new("zero-copy-send");
    public static readonly MigrationCapability DirtyBitmaps = new("dirty-bitmaps");
    public static readonly MigrationCapability ValidateUuid = new("validate-uuid");
    public static readonly MigrationCapability BackgroundSnapshot = new("background-snapshot");
    public static readonly MigrationCapability ReleaseRam = new("release-ram");
    public static readonly MigrationCapability PostcopyBlocktime = new("postcopy-blocktime");
    public static readonly MigrationCapability ZeroBlocks = new("zero-blocks");
    public static readonly MigrationCapability RdmaPinAll = new("rdma-pin-all");
    public static readonly MigrationCapability SwitchoverAck = new("switchover-ack");
    public static readonly MigrationCapability DirtyLimit = new("dirty-limit");

    public static MigrationCapability From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>What can be yanked (QAPI YankInstanceType).</summary>
[JsonConverter(typeof(OpenEnumConverter<YankInstanceType>))]
public readonly record struct YankInstanceType(string Value) : IOpenEnum<YankInstanceType>
{
    public static readonly YankInstanceType BlockNode = new("block-node");
    public static readonly YankInstanceType Chardev = new("chardev");
    public static readonly YankInstanceType Migration = new("migration");

    public static YankInstanceType From(string value) => new(value);

    public override string ToString() => Value;
}
