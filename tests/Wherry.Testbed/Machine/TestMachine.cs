using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;

namespace Wherry.Testbed.Machine;

/// <summary>
/// A whole machine for what a test must not do to this one: the test guest's kernel under QEMU's TCG, with both daemons and their clients in its
/// memory. It boots in about ten seconds, and everything in it takes about ten times as long as outside.
/// </summary>
public sealed class TestMachine(RunDirectory run)
{
    // The result goes to the second serial port, whose last close waits until all of it is out; then the kernel ends with its first process.
    private const string Init = """
        #!@BUSYBOX@ sh
        export PATH=/usr/bin:/usr/sbin HOME=/root DOTNET_ROOT=@DOTNET@
        @BUSYBOX@ --install -s /usr/bin
        for d in bin sbin; do [ -e /$d ] || ln -s usr/bin /$d; done
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        mount -t devtmpfs dev /dev
        mount -t tmpfs run /run
        mkdir -p /dev/pts /dev/shm /tmp /root /var/lib /var/log /var/cache
        mount -t devpts devpts /dev/pts
        mount -t tmpfs shm /dev/shm
        ln -s /run /var/run
        hostname machine
        ip link set lo up
        for n in $(seq 0 $(($(ls /modules | wc -l) - 1))); do insmod /modules/$n; done
        cd /work
        sh ./main.sh </dev/null >/dev/ttyS1 2>&1
        """;

    private static readonly string[] Programs = ["busybox", "libvirtd", "virsh", "qemu-system-x86_64", "qemu-img"];

    /// <summary>Why there is none here, or null. Tests pass it to <c>Assert.SkipWhen</c>.</summary>
    public static string? Missing { get; } = GuestImage.Missing ?? StockLibvirtd.Missing
        ?? (Executables.Find("busybox") is null ? "busybox is not installed" : null);

    /// <summary>Lies in /work, where <c>main.sh</c> is run; with main.sh's end the machine ends.</summary>
    public Dictionary<string, string> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>Modules of the guest's kernel that are loaded.</summary>
    public IReadOnlyList<string> Modules { get; init; } = [];

    /// <summary>Where wherryd is in the machine.</summary>
    public static string Daemon { get; } = "/opt/wherry/" + Path.GetFileName(Repository.Daemon);

    /// <summary>Boots, and returns what main.sh has printed.</summary>
    public async Task<string> RunAsync(TimeSpan limit)
    {
        var image = await GuestImage.GetAsync();
        var (initrd, answers) = (run.File("machine.cpio"), run.File("machine.out"));
        await WriteAsync(initrd);
        var ended = await Command.RunAsync(
            [
                "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "3072", "-nodefaults", "-display", "none", "-no-reboot",
                "-serial", "stdio", "-serial", $"file:{answers}", "-kernel", image.Kernel, "-initrd", initrd,
                "-append", "console=ttyS0 quiet panic=-1 mitigations=off",
            ],
            limit);
        var text = (await File.ReadAllTextAsync(answers)).Replace("\r", "", StringComparison.Ordinal);
        return ended.Succeeded ? text : throw new InvalidOperationException($"the machine failed: {ended}\n{text}");
    }

    private async Task WriteAsync(string path)
    {
        var runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!; // ROOT/shared/Microsoft.NETCore.App/VERSION
        var dotnet = Path.GetFullPath(Path.Combine(runtime, "../../.."));
        var libraries = Path.GetDirectoryName(Executables.Find("libvirtd"))!.Replace("sbin", "lib", StringComparison.Ordinal);
        var files = new ProgramFiles();
        await files.AddAsync(
        [
            .. Programs.Select(program => Executables.Find(program)!), // ! : Missing has looked
            "/usr/share/qemu", "/usr/share/seabios", "/usr/share/libvirt",
            .. Directory.EnumerateDirectories(libraries, "*-linux-gnu").SelectMany(directory => (string[])[$"{directory}/libvirt", $"{directory}/qemu"]),
            .. Directory.EnumerateDirectories(libraries, "*-linux-gnu").Select(directory => $"{directory}/libnss_files.so.2"),
            runtime, runtime.Replace("Microsoft.NETCore.App", "Microsoft.AspNetCore.App", StringComparison.Ordinal), $"{dotnet}/host", $"{dotnet}/dotnet",
        ]);
        await using var stream = File.Create(path);
        var archive = new InitramfsArchive(stream);
        var directories = new HashSet<string>(StringComparer.Ordinal);
        void AddDirectories(string name)
        {
            if (Path.GetDirectoryName(name) is { Length: > 0 } above && directories.Add(above))
            {
                AddDirectories(above);
                archive.AddDirectory(above);
            }
        }
        foreach (var name in (string[])["dev/x", "proc/x", "sys/x", "run/x", "work/x", "etc/libvirt/x", "etc/wherry/x", "opt/wherry/x", "var/x", "modules/x"])
            AddDirectories(name);
        archive.AddDevice("dev/console", 5, 1);
        foreach (var (name, target) in files.Entries)
        {
            AddDirectories(name);
            if (target is null)
                archive.AddExecutable(name, await File.ReadAllBytesAsync("/" + name));
            else
                archive.AddLink(name, target);
        }
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(Repository.Daemon)!))
            archive.AddExecutable("opt/wherry/" + Path.GetFileName(file), await File.ReadAllBytesAsync(file));
        GuestImage.AddModules(archive, Modules);
        AddText("init", Init.Replace("@DOTNET@", dotnet, StringComparison.Ordinal).Replace("@BUSYBOX@", Executables.Find("busybox"), StringComparison.Ordinal) + "\n");
        // libvirt looks for the user of its package whatever its configuration says.
        AddText("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nlibvirt-qemu:x:64055:64055::/:/bin/false\n");
        AddText("etc/group", "root:x:0:\nkvm:x:104:\nlibvirt-qemu:x:64055:\n");
        AddText("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n");
        AddText("etc/hosts", "127.0.0.1 localhost machine\n");
        foreach (var (name, content) in Files)
            AddText("work/" + name, content);
        archive.Close();

        void AddText(string name, string content) => archive.AddExecutable(name, System.Text.Encoding.UTF8.GetBytes(content));
    }
}
