using Wherry.Errors;
using Wherry.Wire.Frames;
using Wherry.Wire.Remote;
using Wherry.Wire.Tests.Xdr;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Codecs;

/// <summary>The generated codecs write what the hand-written ones do, and both what is on the wire.</summary>
public sealed class GeneratedCodecTests
{
    private static readonly NonnullDomain WebDomain = new("web1", Guid.Parse("c7a5fdbd-edaf-9455-926a-d65c16db1809"), 3);

    private const string Web1 = "00000004 77656231 c7a5fdbdedaf9455926ad65c16db1809 00000003";

    private static void Check<T>(T value, Action<XdrWriter> handWritten, string hex)
        where T : struct, IXdr<T>
    {
        var generated = Bytes.Encode(value);
        Assert.Equal(Bytes.Hex(hex), generated);
        Assert.Equal(Bytes.Written(handWritten), generated);
        Assert.Equal(generated, Bytes.Encode(Bytes.Decode<T>(generated)));
    }

    [Fact]
    public void A_domain() => Check(WebDomain, w => HandWritten.Write(w, WebDomain), Web1);

    [Fact]
    public void An_error_with_everything_in_it()
    {
        var error = new RemoteError(
            ErrorCode.NoDomain, ErrorDomain.Qemu, "m", ErrorLevel.Error, WebDomain, "1", null, "333", -1, 2, new NonnullNetwork("n", Guid.Empty));
        Check(error, w => HandWritten.Write(w, error), $"""
            0000002a 0000000a 00000001 00000001 6d000000 00000002
            00000001 {Web1}
            00000001 00000001 31000000 00000000 00000001 00000003 33333300
            ffffffff 00000002
            00000001 00000001 6e000000 00000000000000000000000000000000
            """);
    }

    [Fact]
    public void The_arguments_of_open()
    {
        var args = new ConnectOpenArgs("qemu:///system", 1);
        Check(args, w => HandWritten.Write(w, args), "00000001 0000000e 71656d753a2f2f2f73797374656d0000 00000001");
    }

    [Fact]
    public void A_list_of_domains()
    {
        var ret = new ConnectListAllDomainsRet([WebDomain, WebDomain], 2);
        Check(ret, w => HandWritten.Write(w, ret), $"00000002 {Web1} {Web1} 00000002");
    }

    [Fact]
    public void A_domain_info_with_its_narrow_numbers()
    {
        var ret = new DomainGetInfoRet(5, 1024, 512, 2, 1_000_000_000);
        Check(ret, w => HandWritten.Write(w, ret), "00000005 0000000000000400 0000000000000200 00000002 000000003b9aca00");
    }

    [Fact]
    public void A_node_info_with_its_fixed_characters()
    {
        var ret = new NodeGetInfoRet("x86_64", 4096, 2, 0, 1, 1, 2, 1);
        Check(ret, w => HandWritten.Write(w, ret), $"""
            00000078 00000038 00000036 0000005f 00000036 00000034 {new string('0', 26 * 8)}
            0000000000001000 00000002 00000000 00000001 00000001 00000002 00000001
            """);
    }

    [Fact]
    public void A_security_model_with_its_counted_characters()
    {
        var ret = new NodeGetSecurityModelRet("no", "");
        Check(ret, w => HandWritten.Write(w, ret), "00000003 0000006e 0000006f 00000000 00000001 00000000");
    }

    [Fact]
    public void A_list_of_authentication_types()
    {
        var ret = new AuthListRet([AuthType.Polkit, AuthType.None]);
        Check(ret, w => HandWritten.Write(w, ret), "00000002 00000002 00000000");
    }

    [Fact]
    public void The_arguments_of_a_migration_phase()
    {
        var args = new DomainMigratePrepare3ParamsArgs(
            [TypedParameter.String("destination_name", "web2"), TypedParameter.ULLong("bandwidth", 32)], [0x3c, 0], 1);
        Check(args, w => HandWritten.Write(w, args), """
            00000002
            00000010 64657374696e6174696f6e5f6e616d65 00000007 00000004 77656232
            00000009 62616e647769647468000000 00000004 0000000000000020
            00000002 3c000000 00000001
            """);
    }
}
