using Wherry.Errors;
using Wherry.Qemu.Migration;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>Parameters that mean nothing together, in libvirt's words.</summary>
public sealed class StreamSettingsTests
{
    private static readonly MigrationParameters None = MigrationParameters.Default;

    public static TheoryData<string, MigrationParameters, MigrationFlags, ErrorCode> Refused => new()
    {
        { "Turn parallel migration on to tune it", None with { ParallelConnections = 2 }, MigrationFlags.None, ErrorCode.InvalidArg },
        { "Turn multithread compression on to tune it", None with { CompressionLevel = 0 }, MigrationFlags.Compressed, ErrorCode.InvalidArg },
        { "Turn multithread compression on to tune it", None with { CompressionThreads = 2 }, MigrationFlags.None, ErrorCode.InvalidArg },
        {
            "Turn multithread compression on to tune it",
            None with { DecompressionThreads = 2, Compression = [CompressionMethod.Xbzrle] }, MigrationFlags.Compressed, ErrorCode.InvalidArg
        },
        { "Turn xbzrle compression on to tune it", None with { XbzrleCacheBytes = 4096 }, MigrationFlags.None, ErrorCode.InvalidArg },
        {
            "Turn xbzrle compression on to tune it",
            None with { XbzrleCacheBytes = 4096, Compression = [CompressionMethod.MultiThread] }, MigrationFlags.Compressed, ErrorCode.InvalidArg
        },
        { "a tunnelled migration takes", None with { MigrateUri = "tcp:bravo" }, MigrationFlags.Tunnelled, ErrorCode.ArgumentUnsupported },
        { "a tunnelled migration takes", None with { ListenAddress = "::" }, MigrationFlags.Tunnelled, ErrorCode.ArgumentUnsupported },
        {
            "Both port and URI requested for disk migration while being mutually exclusive",
            None with { DisksPort = 49200, DisksUri = "tcp://bravo:49200" }, MigrationFlags.NonSharedDisk, ErrorCode.InvalidArg
        },
        {
            "Both port and URI requested for disk migration while being mutually exclusive",
            None with { DisksPort = 49200, DisksUri = "tcp://bravo" }, MigrationFlags.NonSharedDisk, ErrorCode.InvalidArg
        },
        {
            "Usage of listen-address is forbidden when migration URI uses UNIX transport method",
            None with { ListenAddress = "::", MigrateUri = "unix:///run/bravo.sock" }, MigrationFlags.None, ErrorCode.InvalidArg
        },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_parameter_of_what_is_not_asked_for_is_refused_on_both_sides(string text, MigrationParameters parameters, MigrationFlags flags, ErrorCode code)
    {
        foreach (var party in (MigrationParty[])[MigrationParty.Source, MigrationParty.Destination])
        {
            var refused = Assert.Throws<WherryException>(() => StreamSettings.From(party, flags, parameters));
            Assert.Equal(code, refused.Code);
            Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>The flag does not travel, so a destination that is told both the parameters cannot know better.</summary>
    [Theory]
    [InlineData(10, null)]
    [InlineData(null, 10)]
    public void Convergence_is_the_sources_business(int? initial, int? increment)
    {
        var parameters = None with { AutoConvergeInitial = initial, AutoConvergeIncrement = increment };
        var refused = Assert.Throws<WherryException>(() => StreamSettings.From(MigrationParty.Source, MigrationFlags.None, parameters));
        Assert.Equal(ErrorCode.InvalidArg, refused.Code);
        Assert.Contains("Turn auto convergence on to tune it", refused.Message, StringComparison.Ordinal);
        StreamSettings.From(MigrationParty.Source, MigrationFlags.AutoConverge, parameters);
        StreamSettings.From(MigrationParty.Destination, MigrationFlags.None, parameters);
    }

    [Fact]
    public void What_is_turned_on_may_be_tuned()
    {
        StreamSettings.From(MigrationParty.Source, MigrationFlags.Parallel, None with { ParallelConnections = 2 });
        StreamSettings.From(
            MigrationParty.Source,
            MigrationFlags.Compressed,
            None with { Compression = [CompressionMethod.MultiThread, CompressionMethod.Xbzrle], CompressionLevel = 1, XbzrleCacheBytes = 4096 });
        StreamSettings.From(MigrationParty.Destination, MigrationFlags.NonSharedDisk, None with { DisksUri = "tcp://bravo:49200", ListenAddress = "::", MigrateUri = "tcp:bravo" });
    }
}
