using System.Text.Json.Serialization;

namespace Wherry.Qmp.Values;

/// <summary>A drive or job after an I/O error (QAPI BlockDeviceIoStatus).</summary>
[JsonConverter(typeof(OpenEnumConverter<IoStatus>))]
public readonly record struct IoStatus(string Value) : IOpenEnum<IoStatus>
{
    public static readonly IoStatus Ok = new("ok");
    public static readonly IoStatus Failed = new("failed");
    public static readonly IoStatus Nospace = new("nospace");

    public static IoStatus From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>What a mirror copies (QAPI MirrorSyncMode).</summary>
[JsonConverter(typeof(OpenEnumConverter<MirrorSyncMode>))]
public readonly record struct MirrorSyncMode(string Value) : IOpenEnum<MirrorSyncMode>
{
    public static readonly MirrorSyncMode Top = new("top");
    public static readonly MirrorSyncMode Full = new("full");
    public static readonly MirrorSyncMode None = new("none");

    public static MirrorSyncMode From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>When guest writes reach the mirror's target (QAPI MirrorCopyMode).</summary>
[JsonConverter(typeof(OpenEnumConverter<MirrorCopyMode>))]
public readonly record struct MirrorCopyMode(string Value) : IOpenEnum<MirrorCopyMode>
{
    public static readonly MirrorCopyMode Background = new("background");
    public static readonly MirrorCopyMode WriteBlocking = new("write-blocking");

    public static MirrorCopyMode From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>What a job does on an I/O error (QAPI BlockdevOnError).</summary>
[JsonConverter(typeof(OpenEnumConverter<BlockdevOnError>))]
public readonly record struct BlockdevOnError(string Value) : IOpenEnum<BlockdevOnError>
{
    public static readonly BlockdevOnError Report = new("report");
    public static readonly BlockdevOnError Ignore = new("ignore");
    public static readonly BlockdevOnError Enospc = new("enospc");
    public static readonly BlockdevOnError Stop = new("stop");
    public static readonly BlockdevOnError Auto = new("auto");

    public static BlockdevOnError From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>What was done about an I/O error (QAPI BlockErrorAction).</summary>
[JsonConverter(typeof(OpenEnumConverter<BlockErrorAction>))]
public readonly record struct BlockErrorAction(string Value) : IOpenEnum<BlockErrorAction>
{
    public static readonly BlockErrorAction Ignore = new("ignore");
    public static readonly BlockErrorAction Report = new("report");
    public static readonly BlockErrorAction Stop = new("stop");

    public static BlockErrorAction From(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>Which way an I/O error went (QAPI IoOperationType).</summary>
[JsonConverter(typeof(OpenEnumConverter<IoOperationType>))]
public readonly record struct IoOperationType(string Value) : IOpenEnum<IoOperationType>
{
    public static readonly IoOperationType Read = new("read");
    public static readonly IoOperationType Write = new("write");

    public static IoOperationType From(string value) => new(value);

    public override string ToString() => Value;
}
