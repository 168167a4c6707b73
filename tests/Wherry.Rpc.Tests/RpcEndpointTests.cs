using Wherry.Errors;
using Wherry.Rpc.Client;

namespace Wherry.Rpc.Tests;

public class RpcEndpointTests
{
    [Theory]
    [InlineData("qemu+tcp://bravo/system", "bravo:16509", "qemu:///system")]
    [InlineData("qemu+tcp://bravo:4711/system", "bravo:4711", "qemu:///system")]
    [InlineData("qemu+tcp://192.0.2.7/session?mode=legacy", "192.0.2.7:16509", "qemu:///session")]
    [InlineData("qemu+tcp://[2001:db8::7]:4711/system", "[2001:db8::7]:4711", "qemu:///system")]
    [InlineData("qemu+tls://bravo/system", "bravo:16514", "qemu:///system")]
    [InlineData("qemu://bravo:4711/system?no_verify=1&pkipath=/p", "bravo:4711", "qemu:///system")]
    [InlineData("qemu+ssh://bravo/system", "bravo", "qemu:///system")]
    [InlineData("qemu+ssh://root@bravo:2222/system?keyfile=/k&no_verify=1", "root@bravo:2222", "qemu:///system")]
    [InlineData("qemu+ssh://Me@DBProd/system?proxy=netcat", "Me@DBProd", "qemu:///system")]
    [InlineData("qemu+ssh://[2001:db8::7]:22/session", "[2001:db8::7]:22", "qemu:///session")]
    [InlineData("qemu+unix:///system?socket=/run/bravo/libvirt-sock", "/run/bravo/libvirt-sock", "qemu:///system")]
    [InlineData("qemu+unix:///session?mode=direct&socket=/tmp/a%20b", "/tmp/a b", "qemu:///session")]
    [InlineData("qemu+unix:///system", "/run/libvirt/libvirt-sock", "qemu:///system")]
    [InlineData("qemu:///system", "/run/libvirt/libvirt-sock", "qemu:///system")]
    [Trait("req", "S2.5")]
    public void Libvirt_uris_say_where_to_connect_and_what_to_open_there(string uri, string where, string driverUri)
    {
        var endpoint = RpcEndpoint.Parse(uri);
        Assert.Equal((where, driverUri), (endpoint.ToString(), endpoint.DriverUri));
    }

    [Theory]
    [InlineData("", ErrorCode.InvalidArg)]
    [InlineData("bravo", ErrorCode.InvalidArg)]
    [InlineData("qemu+tcp:///system", ErrorCode.InvalidArg)]
    [InlineData("qemu+unix://bravo/system", ErrorCode.InvalidArg)]
    [InlineData("qemu+tls:///system", ErrorCode.InvalidArg)]
    [InlineData("qemu+tls://bravo/system?no_verify=yes", ErrorCode.InvalidArg)]
    [InlineData("qemu+unix:///elsewhere", ErrorCode.InvalidArg)]
    [InlineData("qemu+ssh:///system", ErrorCode.InvalidArg)]
    [InlineData("qemu+ssh://bravo/system?proxy=nosuch", ErrorCode.InvalidArg)]
    [InlineData("qemu+ssh://bravo/system?proxy=native&netcat=nc", ErrorCode.InvalidArg)]
    [InlineData("qemu+ssh://bravo/system?proxy=native&socket=/s", ErrorCode.InvalidArg)]
    [InlineData("qemu+ssh://bravo/session?proxy=netcat", ErrorCode.InvalidArg)]
    [InlineData("qemu+ssh://bravo/system?no_tty=maybe", ErrorCode.InvalidArg)]
    [InlineData("qemu+ssh://bravo/system?command=", ErrorCode.InvalidArg)]
    [InlineData("qemu+ssh://bravo/session?netcat=nc", ErrorCode.InvalidArg)]
    [InlineData("qemu+libssh://bravo/system", ErrorCode.ConfigUnsupported)]
    public void What_is_no_such_uri_is_refused_with_the_uri_in_the_text(string uri, ErrorCode code)
    {
        var thrown = Assert.Throws<WherryException>(() => RpcEndpoint.Parse(uri));
        Assert.Equal((code, ErrorDomain.Rpc), (thrown.Code, thrown.Domain));
        Assert.Contains($"'{uri}'", thrown.Message, StringComparison.Ordinal);
    }
}
