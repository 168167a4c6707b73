using Microsoft.Extensions.Logging;
using Wherry.Daemon.Configuration;
using Wherry.Errors;
using Wherry.Rpc.Transports.Tls;
using Wherry.Qemu.ControlGroups;

namespace Wherry.Daemon.Tests.Configuration;

public class SettingsTests
{
    private static LibvirtdSettings Daemon(string text) => LibvirtdSettings.Read(ConfFile.Parse("wherryd.conf", text));

    private static QemuSettings Qemu(string text) => QemuSettings.Read(ConfFile.Parse("qemu.conf", text));

    [Fact]
    public void TCP_is_off_unless_asked_for()
    {
        Assert.Null(Daemon("tcp_port = \"16509\"\n").Listen);
        Assert.Equal("127.0.0.1:1234", Daemon("listen_tcp = 1\nlisten_addr = \"127.0.0.1\"\ntcp_port = \"1234\"\n").Listen!.ToString());
    }

    [Fact]
    public void TLS_is_off_unless_asked_for_and_its_files_are_those_of_the_file_or_the_usual_ones()
    {
        Assert.Null(Daemon("tls_port = \"16514\"\n").ListenTls);
        var settings = LibvirtdSettings.Read(ConfFile.Parse("/etc/wherry/wherryd.conf", """
            listen_tls = 1
            ca_file = "/ca.pem"
            key_file = "tls/key.pem"
            tls_allowed_dn_list = [ "C=GB,*" ]
            """));
        Assert.Equal("[::]:16514", settings.ListenTls!.ToString());
        var files = settings.Tls.Over(TlsFiles.InSystemLayout("/etc/pki", TlsRole.Server));
        Assert.Equal(new TlsFiles("/ca.pem", "/etc/pki/CA/cacrl.pem", "/etc/pki/libvirt/servercert.pem", "/etc/wherry/tls/key.pem"), files);
        Assert.Equal(["C=GB,*"], settings.Tls.AllowedNames!.Value);
        Assert.Empty(Daemon("tls_allowed_dn_list = []\n").Tls.AllowedNames!.Value);
    }

    [Theory]
    [InlineData("auth_unix_rw = \"polkit\"", "auth_unix_rw")]
    [InlineData("auth_tcp = \"sasl\"", "auth_tcp")]
    [InlineData("auth_tls = \"sasl\"", "auth_tls")]
    [InlineData("tls_no_verify_certificate = \"yes\"", "tls_no_verify_certificate")]
    [InlineData("unix_sock_rw_perms = \"0799\"", "unix_sock_rw_perms")]
    [InlineData("host_uuid = \"here\"", "host_uuid")]
    [InlineData("log_filters = \"9:qemu\"", "log_filters")]
    public void What_cannot_be_done_is_refused_by_its_key(string line, string key) =>
        Assert.Contains($"wherryd.conf:1: {key}", Assert.Throws<WherryException>(() => Daemon(line)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("migration_port_min = 60000\nmigration_port_max = 50000\n", "migration_port_min")]
    [InlineData("migration_address = \"somewhere\"\n", "migration_address")]
    [InlineData("migration_host = \"localhost\"\n", "migration_host")]
    [InlineData("migration_host = \"[::1]\"\n", "migration_host")]
    [InlineData("migration_host = \"localhost.localdomain\"\n", "migration_host")]
    [InlineData("vnc_listen = 5\n", "vnc_listen")]
    public void A_bad_qemu_setting_is_refused_by_its_key(string text, string key) =>
        Assert.Contains($"qemu.conf:1: {key}", Assert.Throws<WherryException>(() => Qemu(text)).Message, StringComparison.Ordinal);

    /// <summary>libvirt takes both.</summary>
    [Theory]
    [InlineData("fd71::2")]
    [InlineData("[fd71::2]")]
    public void An_IPv6_address_is_read_without_the_brackets_of_a_URI(string text)
    {
        var settings = Qemu($"migration_host = \"{text}\"\nmigration_address = \"{text}\"\n");
        Assert.Equal(("fd71::2", "fd71::2"), (settings.MigrationHost, settings.MigrationAddress));
    }

    [Fact, Trait("req", "S2.23")]
    public void Keepalive_defaults_are_five_seconds_and_five_and_come_from_the_file()
    {
        Assert.Equal((TimeSpan.FromSeconds(5), 5), (Daemon("").Rpc.KeepAliveInterval, Daemon("").Rpc.KeepAliveCount));
        Assert.Equal(TimeSpan.FromSeconds(-1), Daemon("keepalive_interval = -1\n").Rpc.KeepAliveInterval);
    }

    [Fact, Trait("req", "S2.29")]
    public void Log_filters_decide_before_the_level()
    {
        var log = Daemon("log_level = 3\nlog_filters = \"1:rpc 4:qmp\"\nlog_outputs = \"2:file:/var/log/w.log 3:stderr\"\n").Log;
        Assert.True(log.IsEnabled("Wherry.Rpc", LogLevel.Trace));
        Assert.False(log.IsEnabled("Wherry.Qmp", LogLevel.Warning));
        Assert.False(log.IsEnabled("Wherry.Qemu", LogLevel.Information));
        Assert.Equal(["2:file:/var/log/w.log", "3:stderr"], log.Outputs.Select(output => output.ToString()));
    }

    [Fact]
    public void Session_directories_follow_the_environment()
    {
        var variables = new Dictionary<string, string> { ["HOME"] = "/home/u", ["XDG_RUNTIME_DIR"] = "/", ["XDG_CONFIG_HOME"] = "/cfg" };
        var paths = DaemonPaths.ForSession(variables.GetValueOrDefault, uid: 1000);
        Assert.Equal("/cfg/wherry", paths.Config);
        Assert.Equal("/home/u/.local/state/wherry", paths.State);
        Assert.Equal("/wherry", paths.Runtime);
    }

    [Fact]
    public void Control_groups_have_all_controllers_unless_the_administrator_names_some()
    {
        Assert.Equal(CgroupControllers.All, Qemu("").CgroupControllers);
        Assert.Equal(CgroupControllers.None, Qemu("cgroup_controllers = []").CgroupControllers);
        Assert.Equal(
            CgroupControllers.Cpu | CgroupControllers.Io,
            Qemu("""cgroup_controllers = [ "cpu", "devices", "blkio" ]""").CgroupControllers);
        Assert.Contains(
            "qemu.conf:1: cgroup_controllers: Unknown cgroup controller 'io'",
            Assert.Throws<WherryException>(() => Qemu("""cgroup_controllers = [ "io" ]""")).Message, StringComparison.Ordinal);
    }
}
