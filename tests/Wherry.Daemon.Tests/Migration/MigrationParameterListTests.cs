using Wherry.Daemon.Migration;
using Wherry.Errors;
using Wherry.Qemu.Migration;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Tests.Migration;

public sealed class MigrationParameterListTests
{
    private static readonly TypedParameter AnInt = TypedParameter.Int("", 1), AUInt = TypedParameter.UInt("", 1), ALLong = TypedParameter.LLong("", 1),
        AULLong = TypedParameter.ULLong("", 1), ADouble = TypedParameter.Double("", 1), ABoolean = TypedParameter.Boolean("", true), AString = TypedParameter.String("", "1");

    /// <summary>Every name that is known, with the type it has to have.</summary>
    [Theory]
    [InlineData("migrate_uri", "string")]
    [InlineData("destination_name", "string")]
    [InlineData("destination_xml", "string")]
    [InlineData("persistent_xml", "string")]
    [InlineData("graphics_uri", "string")]
    [InlineData("listen_address", "string")]
    [InlineData("disks_uri", "string")]
    [InlineData("migrate_disks", "string")]
    [InlineData("compression", "string")]
    [InlineData("tls.destination", "string")]
    [InlineData("bandwidth", "ullong")]
    [InlineData("bandwidth.postcopy", "ullong")]
    [InlineData("compression.xbzrle.cache", "ullong")]
    [InlineData("disks_port", "int")]
    [InlineData("auto_converge.initial", "int")]
    [InlineData("auto_converge.increment", "int")]
    [InlineData("compression.mt.level", "int")]
    [InlineData("compression.mt.threads", "int")]
    [InlineData("compression.mt.dthreads", "int")]
    [InlineData("parallel.connections", "int")]
    public void A_value_of_another_type_is_refused_by_both_types(string field, string type)
    {
        foreach (var (_, value) in (TypedParameter[])[AnInt, AUInt, ALLong, AULLong, ADouble, ABoolean, AString])
        {
            var given = value.Type.ToString().ToLowerInvariant();
            if (given == type)
                continue;
            Refused(ErrorCode.InvalidArg, $"invalid type '{given}' for parameter '{field}', expected '{type}'", new TypedParameter(field, value));
        }
    }

    [Theory]
    [InlineData("disks_port", 0, 65535)]
    [InlineData("auto_converge.initial", 1, 99)]
    [InlineData("auto_converge.increment", 1, 99)]
    [InlineData("compression.mt.level", 0, 9)]
    [InlineData("compression.mt.threads", 1, 255)]
    [InlineData("compression.mt.dthreads", 1, 255)]
    [InlineData("parallel.connections", 1, 255)]
    public void A_number_is_taken_within_its_range_and_refused_beyond_it(string field, int least, int most)
    {
        foreach (var number in (int[])[least, most])
            MigrationParameterList.Read([TypedParameter.Int(field, number)]);
        foreach (var number in (int[])[int.MinValue, least - 1, most + 1, int.MaxValue])
            Refused(ErrorCode.InvalidArg, $"parameter '{field}' is {number}, must be {least} to {most}", TypedParameter.Int(field, number));
    }

    [Theory]
    [InlineData("bandwidth")]
    [InlineData("bandwidth.postcopy")]
    public void A_bandwidth_ends_where_its_bytes_would_overflow(string field)
    {
        const ulong most = long.MaxValue >> 20;
        MigrationParameterList.Read([TypedParameter.ULLong(field, most)]);
        Refused(ErrorCode.Overflow, $"bandwidth must be less than {most + 1}", TypedParameter.ULLong(field, most + 1));
        Refused(ErrorCode.Overflow, $"bandwidth must be less than {most + 1}", TypedParameter.ULLong(field, ulong.MaxValue));
    }

    [Fact]
    public void What_has_one_value_is_given_once_and_what_is_unknown_not_at_all()
    {
        Refused(ErrorCode.ArgumentUnsupported, "parameter 'zero_copy' not supported", TypedParameter.Int("zero_copy", 1));
        Refused(ErrorCode.InvalidArg, "parameter 'bandwidth' occurs multiple times", TypedParameter.ULLong("bandwidth", 1), TypedParameter.ULLong("bandwidth", 1));
        Refused(ErrorCode.InvalidArg, "Unsupported compression method 'gzip'", TypedParameter.String("compression", "gzip"));
        Refused(ErrorCode.InvalidArg, "Compression method 'mt' is specified twice", TypedParameter.String("compression", "mt"), TypedParameter.String("compression", "mt"));
        var read = MigrationParameterList.Read(
        [
            TypedParameter.String("migrate_disks", "vda"), TypedParameter.String("migrate_disks", "vdb"),
            TypedParameter.String("compression", "mt"), TypedParameter.String("compression", "xbzrle"),
        ]);
        Assert.Equal(["vda", "vdb"], read.MigrateDisks);
        Assert.Equal([CompressionMethod.MultiThread, CompressionMethod.Xbzrle], read.Compression);
    }

    private static void Refused(ErrorCode code, string text, params TypedParameter[] list)
    {
        var refused = Assert.Throws<WherryException>(() => MigrationParameterList.Read([.. list]));
        Assert.Equal(code, refused.Code);
        Assert.EndsWith(text, refused.Message, StringComparison.Ordinal);
    }
}
