using Wherry.Daemon.Handlers;
using Wherry.Errors;
using Wherry.Wire.Remote;
using Wherry.Qemu.ControlGroups;

namespace Wherry.Daemon.Tests.Handlers;

public class TypedParameterRulesTests
{
    private static readonly Dictionary<string, TypedParameterType> Known = new()
    {
        ["limit"] = TypedParameterType.ULLong,
        ["name"] = TypedParameterType.String,
    };

    [Fact]
    public void What_a_call_knows_passes_in_any_order() =>
        TypedParameterRules.Check([TypedParameter.String("name", "a"), TypedParameter.ULLong("limit", 5)], Known);

    [Fact]
    public void The_first_by_name_that_is_wrong_is_told()
    {
        Check([TypedParameter.UInt("nosuch", 1), TypedParameter.UInt("limit", 1)], ErrorCode.InvalidArg, "invalid type 'uint' for parameter 'limit', expected 'ullong'");
        Check([TypedParameter.UInt("nosuch", 1), TypedParameter.ULLong("limit", 1)], ErrorCode.ArgumentUnsupported, "parameter 'nosuch' not supported");
        Check([TypedParameter.String("name", "a"), TypedParameter.String("name", "a")], ErrorCode.InvalidArg, "parameter 'name' occurs multiple times");
    }

    [Fact]
    public void Devices_limits_are_merged_by_path_and_zero_takes_them_back()
    {
        var devices = BlkioDeviceText.Merge([], "device_weight", "/dev/sda,100,/dev/sdb,0,/dev/sdc,300");
        Assert.Equal([("/dev/sda", 100UL), ("/dev/sdc", 300UL)], devices.Select(device => (device.Path, device.Limits["weight"])));
        var changed = BlkioDeviceText.Merge(devices, "device_read_bytes_sec", "/dev/sda,99999999999");
        Assert.Equal((100UL, 99_999_999_999UL), (changed[0].Limits["weight"], changed[0].Limits["read_bytes_sec"]));
    }

    [Theory]
    [InlineData("/dev/sda", "unable to parse blkio device 'device_weight' '/dev/sda'")]
    [InlineData("/dev/sda,5x", "unable to parse blkio device 'device_weight' '/dev/sda,5x'")]
    [InlineData("/dev/sda,x,/dev/sdb,1", "invalid value 'x,/dev/sdb,1' for parameter 'device_weight' of device '/dev/sda'")]
    [InlineData("/dev/sda,4294967296", "invalid value '4294967296' for parameter 'device_weight' of device '/dev/sda'")]
    public void A_text_that_is_no_list_of_devices_is_refused_in_libvirts_words(string text, string why)
    {
        var error = Assert.Throws<WherryException>(() => BlkioDeviceText.Merge([], "device_weight", text));
        Assert.Equal((ErrorCode.InvalidArg, why), (error.Code, error.Detail));
    }

    private static void Check(TypedParameter[] given, ErrorCode code, string why)
    {
        var error = Assert.Throws<WherryException>(() => TypedParameterRules.Check([.. given], Known));
        Assert.Equal((code, ErrorDomain.None, why), (error.Code, error.Domain, error.Detail));
    }
}
