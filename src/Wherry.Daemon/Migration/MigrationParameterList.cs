using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Migration;

/// <summary>Migration parameters between the wire's list and our record. Names and types are libvirt's VIR_MIGRATE_PARAM_*.</summary>
internal static class MigrationParameterList
{
    private const ulong MaxBandwidthMiBps = long.MaxValue / (1024 * 1024);

    /// <exception cref="WherryException">InvalidArg naming the parameter: wrong type, out of range, given twice. ArgumentUnsupported: unknown.</exception>
    public static MigrationParameters Read(ImmutableArray<TypedParameter> list)
    {
        var result = MigrationParameters.Default;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (field, value) in list)
        {
            if (field is not ("migrate_disks" or "compression") && !seen.Add(field))
            {
                throw new WherryException(ErrorCode.InvalidArg, $"parameter '{field}' occurs multiple times");
            }

            result = Add(result, field, value);
        }

        return result;
    }

    public static ImmutableArray<TypedParameter> Write(MigrationParameters parameters)
    {
        var list = ImmutableArray.CreateBuilder<TypedParameter>();
        Text("migrate_uri", parameters.MigrateUri);
        Text("destination_name", parameters.DestinationName);
        Text("destination_xml", parameters.DestinationXml);
        Text("persistent_xml", parameters.PersistentXml);
        Text("graphics_uri", parameters.GraphicsUri);
        Text("listen_address", parameters.ListenAddress);
        Text("disks_uri", parameters.DisksUri);
        if (parameters.BandwidthMiBps != 0)
        {
            list.Add(TypedParameter.ULLong("bandwidth", parameters.BandwidthMiBps));
        }

        if (parameters.PostCopyBandwidthMiBps != 0)
        {
            list.Add(TypedParameter.ULLong("bandwidth.postcopy", parameters.PostCopyBandwidthMiBps));
        }

        if (parameters.DisksPort != 0)
        {
            list.Add(TypedParameter.Int("disks_port", parameters.DisksPort));
        }

        foreach (var disk in parameters.MigrateDisks)
            list.Add(TypedParameter.String("migrate_disks", disk));

        foreach (var method in parameters.Compression)
            list.Add(TypedParameter.String("compression", NameOf(method)));

        if (parameters.XbzrleCacheBytes is { } cache)
            list.Add(TypedParameter.ULLong("compression.xbzrle.cache", cache));

        Number("compression.mt.level", parameters.CompressionLevel);
        Number("compression.mt.threads", parameters.CompressionThreads);
        Number("compression.mt.dthreads", parameters.DecompressionThreads);
        Number("parallel.connections", parameters.ParallelConnections);

        return list.DrainToImmutable();

        void Number(string field, int? value)
        {
            if (value is { } number)
                list.Add(TypedParameter.Int(field, number));
        }

        void Text(string field, string? value)
        {
            if (value is not null)
            {
                list.Add(TypedParameter.String(field, value));
            }
        }
    }

    private static MigrationParameters Add(MigrationParameters to, string field, TypedParameterValue value) => field switch
    {
        "migrate_uri" => to with { MigrateUri = Text(field, value) },
        "destination_name" => to with { DestinationName = Text(field, value) },
        "destination_xml" => to with { DestinationXml = Text(field, value) },
        "persistent_xml" => to with { PersistentXml = Text(field, value) },
        "graphics_uri" => to with { GraphicsUri = Text(field, value) },
        "listen_address" => to with { ListenAddress = Text(field, value) },
        "disks_uri" => to with { DisksUri = Text(field, value) },
        "migrate_disks" => to with { MigrateDisks = to.MigrateDisks.Add(Text(field, value)) },
        "bandwidth" => to with { BandwidthMiBps = Bandwidth(field, value) },
        "bandwidth.postcopy" => to with { PostCopyBandwidthMiBps = Bandwidth(field, value) },
        "disks_port" => to with { DisksPort = Range(field, value, 0, ushort.MaxValue) },
        "auto_converge.initial" => to with { AutoConvergeInitial = Range(field, value, 1, 99) },
        "compression" => to with { Compression = AddMethod(to.Compression, Text(field, value)) },
        "compression.xbzrle.cache" => to with { XbzrleCacheBytes = value.AsULLong ?? throw WrongType(field, "ullong", value) },
        "compression.mt.level" => to with { CompressionLevel = Range(field, value, 0, 9) },
        "compression.mt.threads" => to with { CompressionThreads = Range(field, value, 1, 255) },
        "compression.mt.dthreads" => to with { DecompressionThreads = Range(field, value, 1, 255) },
        "parallel.connections" => to with { ParallelConnections = Range(field, value, 1, 255) },
        "tls.destination" => to with { TlsDestination = Text(field, value) },
        "auto_converge.increment" => to with { AutoConvergeIncrement = Range(field, value, 1, 99) },
        _ => throw new WherryException(ErrorCode.ArgumentUnsupported, $"parameter '{field}' not supported"),
    };

    private static ImmutableArray<CompressionMethod> AddMethod(ImmutableArray<CompressionMethod> to, string name)
    {
        CompressionMethod method = name switch
        {
            "xbzrle" => CompressionMethod.Xbzrle,
            "mt" => CompressionMethod.MultiThread,
            _ => throw new WherryException(ErrorCode.InvalidArg, $"Unsupported compression method '{name}'"),
        };
        return to.Contains(method)
            ? throw new WherryException(ErrorCode.InvalidArg, $"Compression method '{name}' is specified twice")
            : to.Add(method);
    }

    private static string NameOf(CompressionMethod method) => method == CompressionMethod.Xbzrle ? "xbzrle" : "mt";

    private static string Text(string field, TypedParameterValue value) => value.AsString ?? throw WrongType(field, "string", value);

    private static ulong Bandwidth(string field, TypedParameterValue value)
    {
        var mib = value.AsULLong ?? throw WrongType(field, "ullong", value);
        return mib <= MaxBandwidthMiBps
            ? mib
            : throw new WherryException(ErrorCode.Overflow, $"bandwidth must be less than {MaxBandwidthMiBps + 1}");
    }

    private static int Range(string field, TypedParameterValue value, int least, int most) => value.AsInt switch
    {
        null => throw WrongType(field, "int", value),
        { } number when number < least || number > most =>
            throw new WherryException(ErrorCode.InvalidArg, $"parameter '{field}' is {number}, must be {least} to {most}"),
        { } number => number,
    };

    private static WherryException WrongType(string field, string expected, TypedParameterValue value) =>
        new(ErrorCode.InvalidArg, $"invalid type '{value.Type.ToString().ToLowerInvariant()}' for parameter '{field}', expected '{expected}'");
}
