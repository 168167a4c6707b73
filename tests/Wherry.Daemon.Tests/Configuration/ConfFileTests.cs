using Wherry.Daemon.Configuration;
using Wherry.Errors;

namespace Wherry.Daemon.Tests.Configuration;

public class ConfFileTests
{
    private static ConfFile Parse(string text) => ConfFile.Parse("/etc/wherry/wherryd.conf", text);

    [Fact]
    public void Every_form_that_libvirtd_conf_has_is_read()
    {
        var conf = Parse("""""
            # a comment
            max_clients = 20
            interval = -1 # behind a value
            double = "two words"
            single = 'it says "so"'
            triple = """a "quoted"
            text"""
            list = [ "a", 'b', # inside
                     "c", ]
            empty = []
            """"");
        Assert.Equal(20, conf.Int("max_clients", 1, 100));
        Assert.Equal(-1, conf.Int("interval", -1, 100));
        Assert.Equal("two words", conf.Text("double"));
        Assert.Equal("it says \"so\"", conf.Text("single"));
        Assert.Equal("a \"quoted\"\ntext", conf.Text("triple"));
        Assert.Equal(["a", "b", "c"], conf.List("list")!.Value);
        Assert.Empty(conf.List("empty")!.Value);
        Assert.Null(conf.Text("absent"));
        Assert.Empty(conf.Unasked);
    }

    [Fact]
    public void The_first_of_two_equal_keys_counts() => Assert.Equal(1, Parse("a = 1\na = 2\n").Int("a", 0, 9));

    [Theory]
    [InlineData("a 1", "1: expecting an assignment")]
    [InlineData("\n\na = ", "3: expecting a value")]
    [InlineData("= 1", "1: expecting a name")]
    [InlineData("a = \"open\nb = 1", "1: unterminated string")]
    [InlineData("a = [ \"x\"", "1: list is not closed with ]")]
    [InlineData("a = [ \"x\" \"y\" ]", "1: expecting a separator in list")]
    [InlineData("a = 1 b = 2", "1: expecting a separator")]
    [InlineData("a = -", "1: unterminated number")]
    public void A_mistake_is_named_with_file_and_line(string text, string problem)
    {
        var refused = Assert.Throws<WherryException>(() => Parse(text));
        Assert.Equal(ErrorCode.ConfSyntax, refused.Code);
        Assert.Contains("/etc/wherry/wherryd.conf:" + problem, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_of_the_wrong_kind_or_range_is_named_with_its_key()
    {
        var conf = Parse("max_clients = \"many\"\nport = 70000\n");
        Assert.Contains(
            "wherryd.conf:1: max_clients: must be a number, not a string",
            Assert.Throws<WherryException>(() => conf.Int("max_clients", 1, 9)).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "wherryd.conf:2: port: 70000 is outside 1..65535",
            Assert.Throws<WherryException>(() => conf.Int("port", 1, 65535)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_nobody_asks_for_is_reported_with_its_line() =>
        Assert.Equal([("max_cleints", 2)], Parse("# typo\nmax_cleints = 5\n").Unasked);
}
