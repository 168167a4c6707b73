using Wherry.Testbed;
using Wherry.Testbed.Hosts;
using Wherry.Xml;

namespace Wherry.Interop.Tests;

/// <summary>Guests with UEFI: what they write into their flash is theirs wherever they are.</summary>
[Collection(nameof(OneAtATime))]
public sealed class FirmwareTests
{
    private const string Code = "/usr/share/OVMF/OVMF_CODE_4M.fd", Template = "/usr/share/OVMF/OVMF_VARS_4M.fd";

    [Theory]
    [Trait("layer", "interop")]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guest_takes_its_variables_along_there_and_back(bool toStock)
    {
        Assert.SkipUnless(File.Exists(Code), "ovmf is not installed");
        await using var pair = await (toStock ? RealHosts.WherrydAndStockAsync() : RealHosts.TwoWherrydAsync());
        var (here, there) = (pair.Alpha, pair.Bravo);
        await here.Virsh.RunWithXmlAsync("create", NamedXml(here.Host)).Checked();
        var first = await File.ReadAllBytesAsync(Template, TestContext.Current.CancellationToken);
        await UntilAsync("the firmware has written its first variables", () => !Variables(here).SequenceEqual(first));

        foreach (var leg in (int[])[1, 2])
        {
            await Command.RunAsync(here.Host.Enter(["virsh", "-q", "-c", here.PeerUri, "migrate", "--live", "--p2p", "efi", there.PeerUri])).Checked();
            Assert.Equal("running", (await there.Virsh.AskAsync("domstate", "efi")).Trim());
            var (taken, left) = (Variables(there), Variables(here));
            Assert.True(taken.SequenceEqual(left) && !taken.SequenceEqual(first), $"leg {leg}: other variables there than were here");
            File.Delete(Outside(here)); // A guest that comes back brings them.
            (here, there) = (there, here);
        }

        await here.Virsh.AskAsync("destroy", "efi");
    }

    /// <summary>
    /// A definition that only says what its firmware shall be leaves the place of the variables to the host, and these two have different ones:
    /// what is kept must still lead to them at the next start. With another name, too.
    /// </summary>
    [Theory]
    [Trait("layer", "interop")]
    [InlineData("")]
    [InlineData("--dname other")]
    public async Task A_definition_that_is_kept_elsewhere_leads_to_the_variables_that_came(string more)
    {
        Assert.SkipUnless(File.Exists(Code), "ovmf is not installed");
        await using var pair = await RealHosts.TwoWherrydAsync();
        var (here, there) = (pair.Alpha, pair.Bravo);
        await here.Virsh.RunWithXmlAsync("define", ChosenXml).Checked();
        await here.Virsh.AskAsync("start", "--paused", "efi");
        var name = "efi";
        foreach (var words in (string[])[more, ""])
        {
            await Command.RunAsync(here.Host.Enter(
                ["virsh", "-q", "-c", here.PeerUri, "migrate", "--live", "--p2p", "--persistent", "--undefinesource", name, there.PeerUri,
                    .. words.Split(' ', StringSplitOptions.RemoveEmptyEntries)])).Checked();
            name = words.Length > 0 ? "other" : name;
            var kept = await there.Virsh.AskAsync("dumpxml", "--inactive", name);
            Assert.Contains("firmware='efi'", kept, StringComparison.Ordinal);
            var running = await NvramAsync(there, name);
            await there.Virsh.AskAsync("destroy", name);
            await there.Virsh.AskAsync("start", "--paused", name);
            Assert.Equal(running, await NvramAsync(there, name));
            (here, there) = (there, here);
        }

        await here.Virsh.AskAsync("destroy", name);
        await here.Virsh.AskAsync("undefine", "--nvram", name);
    }

    private static async Task<string> NvramAsync(DaemonRunner daemon, string name) =>
        DomainSpec.From(DomainDocument.Parse(await daemon.Virsh.AskAsync("dumpxml", name))).Os.Nvram.Path!; // it runs

    private static string ChosenXml => Xml("<os firmware='efi'>", "<firmware><feature enabled='no' name='secure-boot'/></firmware>");

    private static byte[] Variables(DaemonRunner daemon) => File.ReadAllBytes(Outside(daemon));

    private static string Outside(DaemonRunner daemon) => Path.Combine(daemon.Host.ImagesOutside, "efi_VARS.fd");

    private static string NamedXml(TestHost host) => Xml(
        "<os>", $"<loader readonly='yes' type='pflash'>{Code}</loader><nvram template='{Template}'>{host.Images}/efi_VARS.fd</nvram>");

    private static string Xml(string os, string firmware) => $"""
        <domain type='qemu'>
          <name>efi</name>
          <memory unit='MiB'>128</memory>
          {os}
            <type arch='x86_64' machine='q35'>hvm</type>
            {firmware}
          </os>
          <features><acpi/></features>
          <devices>
            <memballoon model='none'/>
          </devices>
        </domain>
        """;

    private static async Task UntilAsync(string what, Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        try
        {
            while (!condition())
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, limit.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"not within 60 s: {what}");
        }
    }
}
