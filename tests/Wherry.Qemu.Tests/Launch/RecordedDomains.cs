using System.Text.RegularExpressions;
using Wherry.Testbed;
using Wherry.Xml;

namespace Wherry.Qemu.Tests.Launch;

/// <summary>
/// The domains in <c>tests/data/argv</c>: <c>NAME.xml</c> is our own XML as a stock libvirtd 9.0 completed it and showed it live,
/// <c>NAME.argv</c> what we make of it, one argument per line.
/// </summary>
internal static partial class RecordedDomains
{
    public static TheoryData<string> Names { get; } =
        [.. Directory.EnumerateFiles(DataDirectory, "*.xml").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    private static string DataDirectory => Path.Join(Repository.Root, "tests/data/argv");

    public static string ArgvPath(string name) => Path.Join(DataDirectory, $"{name}.argv");

    public static string Xml(string name) => File.ReadAllText(Path.Join(DataDirectory, $"{name}.xml"));

    public static DomainSpec Spec(string name) => DomainSpec.From(DomainDocument.Parse(Xml(name)));

    /// <summary>
    /// The domain's XML with <c>/var/lib/libvirt</c> moved to a directory of the test, and its images made there: as big as a floppy,
    /// <c>over.qcow2</c> on top of <c>a.qcow2</c>.
    /// </summary>
    public static async Task<string> PrepareAsync(string name, string directory)
    {
        var images = Directory.CreateDirectory(Path.Join(directory, "images")).FullName;
        foreach (var image in ImagePath().Matches(Xml(name)).Select(match => match.Groups[1].Value).Append("a.qcow2").Distinct(StringComparer.Ordinal))
        {
            string[] below = image == "over.qcow2" ? ["-b", Path.Join(images, "a.qcow2"), "-F", "qcow2", "-u"] : [];
            var format = Path.GetExtension(image) == ".qcow2" ? "qcow2" : "raw";
            await Command.RunAsync(["qemu-img", "create", "-q", "-f", format, .. below, Path.Join(images, image), "1440K"]).Checked();
        }
        return Xml(name).Replace("/var/lib/libvirt", directory, StringComparison.Ordinal);
    }

    [GeneratedRegex("/var/lib/libvirt/images/([a-z0-9.]+)")]
    private static partial Regex ImagePath();
}
