namespace Wherry.Qemu.State;

/// <summary>What is started with the host: links to definitions, one for each, as libvirt keeps them.</summary>
/// <param name="directory">Where the links are. It exists.</param>
/// <param name="definitions">What they lead to.</param>
internal sealed class AutostartLinks(string directory, StateDirectory definitions)
{
    public bool Contains(string name) => File.Exists(Link(name));

    /// <summary>Makes or removes the link; both are durable when it returns.</summary>
    public void Set(string name, bool autostart)
    {
        var link = Link(name);
        if (!autostart)
        {
            DurableFile.Delete(link);
            return;
        }
        File.Delete(link);
        File.CreateSymbolicLink(link, definitions.PathOf(name));
        DurableFile.FlushDirectory(directory);
    }

    private string Link(string name) => Path.Combine(directory, name + ".xml");
}
