using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Fills in each device on its own, in the order in which libvirt visits them (a serial port's number depends on it).</summary>
internal static class DeviceCompletion
{
    public static void Sort(DomainTree tree)
    {
        DiskCompletion.Sort(tree.Devices);
        ControllerCompletion.GroupByType(tree.Devices);
        // The primary video goes first, wherever it was written.
        if (tree.Of("video").LastOrDefault(video => video.Get("model", "primary") == "yes") is { } primary)
            tree.Reorder("video", tree.Of("video").OrderBy(video => video == primary ? 0 : 1));
        foreach (var alias in tree.Devices.Elements().Elements("alias").Where(alias => !IsUserAlias(alias.Get("name"))).ToList())
            alias.Remove();
        OnlyOne("watchdog", "watchdog");
        OnlyOne("memballoon", "memory balloon");

        void OnlyOne(string kind, string called)
        {
            if (tree.Of(kind).Skip(1).Any())
                throw DomainXmlException.Internal($"only a single {called} device is supported");
        }
    }

    public static void Complete(DomainTree tree, CompletionContext context)
    {
        CharacterCompletion.AssignIsaPorts(tree);
        foreach (var disk in tree.Of("disk"))
            DiskCompletion.Complete(disk);
        DiskCompletion.Check(tree);
        foreach (var element in tree.Of("interface"))
            InterfaceCompletion.Complete(element, tree, context);
        VideoCompletion.Complete(tree);
        foreach (var controller in tree.Of("controller"))
            ControllerCompletion.Complete(controller, tree);
        CharacterCompletion.Complete(tree, context);
        foreach (var graphics in tree.Of("graphics"))
            GraphicsCompletion.Complete(graphics);
        foreach (var rng in tree.Of("rng"))
            CompleteRng(rng);
        if (tree.Of("watchdog").FirstOrDefault(watchdog => watchdog.Get("model") is null) is { } unnamed)
            throw DomainXmlException.Internal("watchdog must contain model name", unnamed);
        foreach (var panic in tree.Of("panic").Where(panic => panic.Get("model") is null))
            panic.SetAttributeValue("model", "isa");
    }

    /// <summary>Only names that start with "ua-" are the user's; all others are ours to give.</summary>
    public static bool IsUserAlias(string? alias) =>
        alias?.StartsWith("ua-", StringComparison.Ordinal) == true && alias.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-');

    internal static void CompleteRng(XElement rng)
    {
        var backend = rng.Element("backend") ?? throw DomainXmlException.Invalid("only one RNG backend is supported", rng);
        rng.Required("model");
        if (backend.Required("model") == "builtin")
            backend.RemoveNodes();
        else if (backend.Value.Length == 0)
            backend.Value = "/dev/random";
    }
}
