using System.Text;
using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>The firmware's file: in flash with the guest's variables beside it, or in read-only memory.</summary>
internal static class Flash
{
    private const string Code = "libvirt-pflash0", Variables = "libvirt-pflash1";

    public static void AddNodes(Arguments arguments, OsSpec os)
    {
        if (!os.Loader.IsFlash)
            return;
        Add(arguments, Code, os.Loader.Path!, os.Loader.IsReadOnly); // ! : completed
        if (os.Nvram.Path is { } variables)
            Add(arguments, Variables, variables, isReadOnly: false);
    }

    /// <summary>What of <c>-machine</c> says where the flash is.</summary>
    public static void AppendTo(StringBuilder machine, OsSpec os)
    {
        if (!os.Loader.IsFlash)
            return;
        machine.Append(",pflash0=").Append(Code).Append("-format");
        if (os.Nvram.Path is not null)
            machine.Append(",pflash1=").Append(Variables).Append("-format");
    }

    public static void Add(Arguments arguments, OsSpec os)
    {
        if (os.Loader is { IsFlash: true, IsSecure: true })
            arguments.Add("-global", "driver=cfi.pflash01,property=secure,value=on");
        else if (os.Loader is { IsFlash: false, Path: { } rom })
            arguments.Add("-bios", rom);
    }

    private static void Add(Arguments arguments, string node, string path, bool isReadOnly)
    {
        arguments.Add("-blockdev", new Properties()
            .Text("driver", "file")
            .Text("filename", path)
            .Text("node-name", $"{node}-storage")
            .Flag("auto-read-only", true)
            .Text("discard", "unmap")
            .ToString());
        arguments.Add("-blockdev", new Properties()
            .Text("node-name", $"{node}-format")
            .Flag("read-only", isReadOnly)
            .Text("driver", "raw")
            .Text("file", $"{node}-storage")
            .ToString());
    }
}
