using Wherry.Errors;
using Wherry.Qemu.Migration;

namespace Wherry.Qemu.Tests.Migration;

public sealed class MigrationFlagTests
{
    [Theory]
    [InlineData(MigrationFlags.NonSharedDisk | MigrationFlags.NonSharedIncremental)]
    [InlineData(MigrationFlags.Tunnelled | MigrationFlags.NonSharedDisk)]
    [InlineData(MigrationFlags.PostCopy)]
    [InlineData(MigrationFlags.PostCopy | MigrationFlags.Live | MigrationFlags.Paused)]
    [InlineData(MigrationFlags.ZeroCopy)]
    [InlineData(MigrationFlags.NonSharedSynchronousWrites)]
    [InlineData((MigrationFlags)(1u << 25))]
    public void Contradictory_or_unknown_flags_are_invalid_arguments(MigrationFlags flags) =>
        Assert.Equal(ErrorCode.InvalidArg, Assert.Throws<WherryException>(() => MigrationFlagRules.Validate(flags)).Code);

    [Fact]
    public void An_offline_migration_that_would_leave_nothing_behind_gets_libvirts_error()
    {
        var error = Assert.Throws<WherryException>(() => MigrationFlagRules.Validate(MigrationFlags.Offline));

        Assert.Equal(ErrorCode.OperationInvalid, error.Code);
        Assert.EndsWith("offline migration must be specified with the persistent flag set", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flag_that_is_not_carried_out_is_refused_by_name()
    {
        var error = Assert.Throws<WherryException>(() => MigrationFlagRules.Validate(MigrationFlags.Live | MigrationFlags.Tls));

        Assert.Equal(ErrorCode.ArgumentUnsupported, error.Code);
        Assert.Contains("Tls", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_destination_is_not_told_what_concerns_only_the_source() => Assert.Equal(
        MigrationFlags.Live | MigrationFlags.Paused,
        (MigrationFlags.Live | MigrationFlags.Paused | MigrationFlags.AbortOnError | MigrationFlags.AutoConverge).ForDestination());
}
