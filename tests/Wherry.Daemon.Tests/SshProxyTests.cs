using Wherry.Errors;

namespace Wherry.Daemon.Tests;

public class SshProxyTests
{
    [Theory]
    [InlineData("qemu:///system", false, "/run/wherry/libvirt-sock", "/run/wherry/libvirt-sock")]
    [InlineData("qemu:///system", false, "", "/run/libvirt/libvirt-sock")]
    [InlineData("qemu:///system", true, "/run/wherry/libvirt-sock-ro", "/run/wherry/libvirt-sock-ro")]
    [InlineData("qemu:///system", true, "", "/run/libvirt/libvirt-sock-ro")]
    [InlineData("qemu:///session", true, "", "/tmp/libvirt/libvirt-sock")]
    [InlineData("qemu:///session", false, "/tmp/wherry/libvirt-sock", "/tmp/wherry/libvirt-sock")]
    public void The_socket_is_ours_where_there_is_one_and_libvirts_otherwise(string uri, bool isReadOnly, string there, string expected) =>
        Assert.Equal(
            expected, SshProxy.SocketPath(uri, isReadOnly, name => name == "XDG_RUNTIME_DIR" ? "/tmp" : null, uid: 1000, path => path == there));

    [Theory]
    [InlineData("")]
    [InlineData("qemu://host/system")]
    [InlineData("qemu:///elsewhere")]
    public void What_is_no_driver_of_this_machine_is_refused(string uri) =>
        Assert.Equal(ErrorCode.InvalidArg, Assert.Throws<WherryException>(() => SshProxy.SocketPath(uri, false, _ => null, 0, _ => false)).Code);
}
