using Wherry.Errors;
using Wherry.Qemu.Migration;

namespace Wherry.Qemu.Tests.Migration;

public sealed class MigrationFlagTests
{
    [Theory]
    [InlineData(MigrationFlags.NonSharedDisk | MigrationFlags.NonSharedIncremental, ErrorCode.InvalidArg)]
    [InlineData(MigrationFlags.Tunnelled | MigrationFlags.Parallel, ErrorCode.InvalidArg)]
    [InlineData(MigrationFlags.Tunnelled | MigrationFlags.PeerToPeer | MigrationFlags.NonSharedDisk, ErrorCode.OperationUnsupported)]
    [InlineData(MigrationFlags.Tunnelled, ErrorCode.OperationInvalid)]
    [InlineData(MigrationFlags.Tunnelled | MigrationFlags.PostCopy | MigrationFlags.Live, ErrorCode.ArgumentUnsupported)]
    [InlineData(MigrationFlags.PostCopy, ErrorCode.ArgumentUnsupported)]
    [InlineData(MigrationFlags.PostCopy | MigrationFlags.Live | MigrationFlags.Paused, ErrorCode.ArgumentUnsupported)]
    [InlineData(MigrationFlags.PostCopyResume | MigrationFlags.Live, ErrorCode.ArgumentUnsupported)]
    [InlineData(MigrationFlags.ZeroCopy, ErrorCode.OperationInvalid)]
    [InlineData(MigrationFlags.NonSharedSynchronousWrites, ErrorCode.InvalidArg)]
    [InlineData(MigrationFlags.Offline, ErrorCode.OperationInvalid)]
    [InlineData(MigrationFlags.Offline | MigrationFlags.PersistDestination | MigrationFlags.NonSharedDisk, ErrorCode.OperationInvalid)]
    [InlineData(MigrationFlags.Offline | MigrationFlags.PersistDestination | MigrationFlags.Tunnelled, ErrorCode.OperationInvalid)]
    [InlineData((MigrationFlags)(1u << 25), ErrorCode.InvalidArg)]
    public void Contradictory_or_unknown_flags_are_refused_with_libvirts_codes(MigrationFlags flags, ErrorCode code) =>
        Assert.Equal(code, Assert.Throws<WherryException>(() => MigrationFlagRules.Validate(flags)).Code);

    [Fact]
    public void A_flag_that_is_not_carried_out_is_refused_by_name()
    {
        var error = Assert.Throws<WherryException>(() => MigrationFlagRules.Validate(MigrationFlags.Live | MigrationFlags.RdmaPinAll));

        Assert.Equal(ErrorCode.ArgumentUnsupported, error.Code);
        Assert.Contains("RdmaPinAll", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_destination_is_not_told_what_concerns_only_the_source() => Assert.Equal(
        MigrationFlags.Live | MigrationFlags.Paused,
        (MigrationFlags.Live | MigrationFlags.Paused | MigrationFlags.AbortOnError | MigrationFlags.AutoConverge).ForDestination());
}
