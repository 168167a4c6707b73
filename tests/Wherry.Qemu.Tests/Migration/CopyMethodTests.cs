using Wherry.Qemu.Migration.Disks;

namespace Wherry.Qemu.Tests.Migration;

public sealed class CopyMethodTests
{
    [Theory]
    [InlineData(true, false, false, "top", "write-blocking")]
    [InlineData(true, true, false, "top", "write-blocking")]
    [InlineData(true, false, true, "top", "write-blocking")]
    [InlineData(false, false, false, "full", "background")]
    [InlineData(false, true, false, "top", "background")]
    [InlineData(false, false, true, "full", "write-blocking")]
    [InlineData(false, true, true, "top", "write-blocking")]
    public void It_depends_on_the_format_the_layers_and_what_QEMU_has(bool isRaw, bool topLayerOnly, bool changesMode, string sync, string mode)
    {
        var method = CopyMethod.Of(isRaw, topLayerOnly, changesMode);
        Assert.Equal((sync, mode), (method.Sync.Value, method.Mode.Value));
    }
}
