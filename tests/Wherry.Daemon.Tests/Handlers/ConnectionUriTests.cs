using Wherry.Daemon.Handlers;
using Wherry.Errors;

namespace Wherry.Daemon.Tests.Handlers;

public class ConnectionUriTests
{
    [Theory]
    [InlineData(null, true, "qemu:///system")]
    [InlineData("", false, "qemu:///session")]
    [InlineData("qemu:///system", true, "qemu:///system")]
    [InlineData("qemu:///session", true, "qemu:///session")] // libvirt lets root do this for old clients' sake
    [InlineData("qemu:///session", false, "qemu:///session")]
    public void A_name_that_fits_is_opened(string? name, bool isPrivileged, string uri) =>
        Assert.Equal(uri, ConnectionUri.Resolve(name, isPrivileged));

    [Theory]
    [InlineData("qemu:///system", false, "internal error: unexpected qemu URI path '/system', try qemu:///session")]
    [InlineData("qemu:///nowhere", true, "internal error: unexpected qemu URI path '/nowhere', try qemu:///system")]
    [InlineData("lxc:///system", true, "no connection driver available for lxc:///system")]
    [InlineData("qemu://other/system", true, "no connection driver available for qemu://other/system")]
    public void A_name_that_does_not_fit_is_refused_in_libvirts_words(string name, bool isPrivileged, string text) =>
        Assert.Equal(text, Assert.Throws<WherryException>(() => ConnectionUri.Resolve(name, isPrivileged)).Message);
}
