using Wherry.Testbed;
using Wherry.Testbed.Hosts;

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
        await here.Virsh.RunWithXmlAsync("create", Xml(here.Host)).Checked();
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

    private static byte[] Variables(DaemonRunner daemon) => File.ReadAllBytes(Outside(daemon));

    private static string Outside(DaemonRunner daemon) => Path.Combine(daemon.Host.ImagesOutside, "efi_VARS.fd");

    private static string Xml(TestHost host) => $"""
        <domain type='qemu'>
          <name>efi</name>
          <memory unit='MiB'>128</memory>
          <os>
            <type arch='x86_64' machine='q35'>hvm</type>
            <loader readonly='yes' type='pflash'>{Code}</loader>
            <nvram template='{Template}'>{host.Images}/efi_VARS.fd</nvram>
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
