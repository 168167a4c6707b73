using Wherry.Errors;
using Wherry.Qemu.Input;

namespace Wherry.Qemu.Tests;

public class KeyCodesTests
{
    /// <summary>The same five keys in each of libvirt's sets: A, Enter, Up, right Ctrl, and one that PC keyboards do not have.</summary>
    [Theory]
    [InlineData(0, new uint[] { 30, 28, 103, 97 })]
    [InlineData(1, new uint[] { 0x1e, 0x1c, 0xe048, 0xe01d })]
    [InlineData(2, new uint[] { 0x1e, 0x1c, 0xe048, 0xe01d })]
    [InlineData(3, new uint[] { 0x1c, 0x5a, 0xe075, 0xe014 })]
    [InlineData(4, new uint[] { 0x1c, 0x5a, 0x63, 0x58 })]
    [InlineData(5, new uint[] { 0x00, 0x24, 0x7e, 0x3e })]
    [InlineData(7, new uint[] { 0x04, 0x28, 0x52, 0xe4 })]
    [InlineData(8, new uint[] { 0x41, 0x0d, 0x26, 0xa3 })]
    [InlineData(9, new uint[] { 0x1e, 0x1c, 0xc8, 0x9d })]
    public void One_key_has_one_number_for_QEMU_whichever_set_it_comes_from(uint codeset, uint[] keys) =>
        Assert.Equal([0x1e, 0x1c, 0xc8, 0x9d], keys.Select(key => KeyCodes.ToQnum(codeset, key)));

    [Fact]
    public void A_key_that_a_set_does_not_have_is_named_with_its_set()
    {
        var refused = Assert.Throws<WherryException>(() => KeyCodes.ToQnum(7, 0x9999));
        Assert.Equal((ErrorCode.InternalError, "internal error: cannot translate keycode 39321 of usb codeset to qnum keycode"), (refused.Code, refused.Message));
    }
}
