using System.Text;

namespace Wherry.Testbed.Guest;

/// <summary>
/// A guest with QEMU's own agent in it: the distribution's qemu-ga, which `./run` unpacked into the cache, with the libraries that it names,
/// busybox, and guest/agent-init.sh.
/// </summary>
public static class AgentImage
{
    private static readonly string[] Directories = ["bin", "sbin", "usr", "usr/sbin", "proc", "sys", "dev", "data", "run", "var", "var/run", "etc", "tmp", "root", "modules"];

    // The agent asks for no particular one: it calls shutdown, with -r for a reboot.
    private const string Shutdown = "#!/bin/sh\ncase \"$*\" in *-r*) reboot -f ;; *) poweroff -f ;; esac\n";

    /// <summary>Why it cannot be built here, or null.</summary>
    public static string? Missing { get; } =
        GuestImage.Missing
        ?? (!File.Exists(Agent) ? $"no {Agent}: `./run test` fetches it"
        : Executables.Find("busybox") is null ? "busybox is not installed"
        : Executables.Find("mkfs.ext4") is null ? "e2fsprogs is not installed"
        : null);

    private static string Agent => Path.Combine(GuestImage.Cache, "agent/usr/sbin/qemu-ga");

    /// <summary>Writes the initramfs.</summary>
    public static async Task WriteAsync(string path)
    {
        await using var file = File.Create(path);
        var archive = new InitramfsArchive(file);
        var made = new HashSet<string>(StringComparer.Ordinal);
        foreach (var directory in Directories)
            AddDirectory(directory);
        archive.AddDevice("dev/console", 5, 1);
        archive.AddExecutable("init", await File.ReadAllBytesAsync(Path.Combine(Repository.Root, "guest/agent-init.sh")));
        archive.AddExecutable("sbin/shutdown", Encoding.ASCII.GetBytes(Shutdown));
        archive.AddExecutable("etc/passwd", "root:x:0:0::/root:/bin/sh\n"u8.ToArray());
        archive.AddExecutable("etc/os-release", "ID=wherry\nNAME=Wherry\nVERSION_ID=1\n"u8.ToArray());
        string[] programs = [Executables.Find("busybox")!, Agent]; // ! : see Missing
        archive.AddExecutable("bin/busybox", await File.ReadAllBytesAsync(programs[0]));
        archive.AddExecutable("usr/sbin/qemu-ga", await File.ReadAllBytesAsync(programs[1]));
        var libraries = new HashSet<string>(StringComparer.Ordinal);
        foreach (var program in programs)
        {
            // A static program has none, and ldd says so by failing.
            var named = (await Command.RunAsync(["ldd", program])).Output.Split((char[])[' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);
            libraries.UnionWith(named.Where(word => word[0] == '/'));
        }

        foreach (var library in libraries)
        {
            AddDirectory(Path.GetDirectoryName(library)![1..]);
            archive.AddExecutable(library[1..], await File.ReadAllBytesAsync(library));
        }

        GuestImage.AddModules(archive);
        archive.Close();

        void AddDirectory(string directory)
        {
            if (directory.Length == 0 || made.Contains(directory))
                return;
            AddDirectory(Path.GetDirectoryName(directory)!);
            made.Add(directory);
            archive.AddDirectory(directory);
        }
    }
}
