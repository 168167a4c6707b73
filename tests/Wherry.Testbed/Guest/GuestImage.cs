using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace Wherry.Testbed.Guest;

/// <summary>
/// What the test guest boots: the distribution's kernel, which `./run` unpacked into the cache, and an initramfs of guest/workload.c
/// (compiled here) with the virtio modules it loads. Both are ordinary files for <c>&lt;kernel&gt;</c> and <c>&lt;initrd&gt;</c>.
/// </summary>
public sealed record GuestImage(string Kernel, string Initrd)
{
    // Each is loaded after everything that it depends on. Modules that this kernel has built in are simply not there.
    private static readonly string[] Modules =
        ["virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "virtio_net", "virtio_console", "virtio_balloon", "button", "evdev"];

    private static readonly Lazy<Task<GuestImage>> Shared = new(BuildAsync);

    /// <summary>Why no guest can be booted here, or null when one can. Tests pass it to <c>Assert.SkipWhen</c>.</summary>
    public static string? Missing { get; } =
        !File.Exists(Path.Combine(KernelDirectory, "vmlinuz")) ? $"no guest kernel in {KernelDirectory}: `./run test` fetches it"
        : Executables.Find("gcc") is null ? "gcc is not installed"
        : Executables.Find("qemu-system-x86_64") is null ? "qemu-system-x86_64 is not installed"
        : null;

    internal static string Cache =>
        Environment.GetEnvironmentVariable("WHERRY_CACHE")
        ?? Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME")
            ?? Path.Combine(Environment.GetEnvironmentVariable("HOME") ?? "/root", ".cache"), "wherry");

    /// <summary>Where the kernel is, if it is.</summary>
    public static string KernelFile => Path.Combine(KernelDirectory, "vmlinuz");

    private static string KernelDirectory => Path.Combine(Cache, "kernel");

    /// <summary>The image, built at most once per process and kept in the cache under a name made from all it is built of.</summary>
    public static Task<GuestImage> GetAsync() => Shared.Value;

    private static async Task<GuestImage> BuildAsync()
    {
        var kernel = Path.Combine(KernelDirectory, "vmlinuz");
        var source = Path.Combine(Repository.Root, "guest", "workload.c");
        var identity = SHA256.HashData(Encoding.UTF8.GetBytes(
            await File.ReadAllTextAsync(source) + await File.ReadAllTextAsync(Path.Combine(Repository.Root, "tests/Wherry.Testbed/Guest/GuestImage.cs"))
            + new FileInfo(kernel).LastWriteTimeUtc.Ticks));
        var initrd = Path.Combine(Cache, $"initrd-{Convert.ToHexStringLower(identity.AsSpan(0, 6))}");
        if (!File.Exists(initrd))
        {
            // Several test processes may build at once: each makes its own file, and the rename is atomic.
            var scratch = $"{initrd}.{Environment.ProcessId}";
            await Command.RunAsync(["gcc", "-O2", "-static", "-o", $"{scratch}.init", source]).Checked();
            await File.WriteAllBytesAsync(scratch, await ArchiveAsync($"{scratch}.init"));
            File.Delete($"{scratch}.init");
            File.Move(scratch, initrd, overwrite: true);
        }

        return new GuestImage(kernel, initrd);
    }

    private static async Task<byte[]> ArchiveAsync(string init)
    {
        using var bytes = new MemoryStream();
        var archive = new InitramfsArchive(bytes);
        archive.AddDirectory("dev");
        archive.AddDevice("dev/console", 5, 1);
        archive.AddExecutable("init", await File.ReadAllBytesAsync(init));
        archive.AddDirectory("modules");
        AddModules(archive, Modules);
        archive.Close();
        return bytes.ToArray();
    }

    /// <summary>Those of a guest's devices.</summary>
    internal static void AddModules(InitramfsArchive archive) => AddModules(archive, Modules);

    /// <summary>Modules of the guest's kernel as <c>modules/N</c>, in the order in which they are to be loaded.</summary>
    internal static void AddModules(InitramfsArchive archive, IEnumerable<string> modules)
    {
        var loaded = new List<string>();
        foreach (var module in modules)
            AddWithDependencies(archive, loaded, module);
    }

    private static void AddWithDependencies(InitramfsArchive archive, List<string> loaded, string module)
    {
        var file = Directory.EnumerateFiles(KernelDirectory)
            .FirstOrDefault(path => Path.GetFileName(path).Split('.')[0].Replace('-', '_') == module);
        if (file is null || loaded.Contains(module))
            return;
        var content = file.EndsWith(".ko", StringComparison.Ordinal) ? File.ReadAllBytes(file) : Decompress(file);
        foreach (var dependency in Dependencies(content))
            AddWithDependencies(archive, loaded, dependency);
        archive.AddExecutable($"modules/{loaded.Count}", content);
        loaded.Add(module);
    }

    // Every module carries its "key=value" strings, each ended by a NUL; the package has no modules.dep, which depmod makes at installation.
    private static string[] Dependencies(byte[] module)
    {
        var key = "\0depends="u8;
        var at = module.AsSpan().IndexOf(key);
        if (at < 0)
            return [];
        var value = module.AsSpan(at + key.Length);
        return Encoding.ASCII.GetString(value[..value.IndexOf((byte)0)]).Split(',', StringSplitOptions.RemoveEmptyEntries);
    }

    // Newer distributions compress their modules; the tools that packed them are there to unpack them.
    private static byte[] Decompress(string file)
    {
        if (file.EndsWith(".gz", StringComparison.Ordinal))
        {
            using var plain = new MemoryStream();
            using var gzip = new GZipStream(File.OpenRead(file), CompressionMode.Decompress);
            gzip.CopyTo(plain);
            return plain.ToArray();
        }

        var tool = file.EndsWith(".zst", StringComparison.Ordinal) ? "zstd" : "xz";
        var unpacked = Path.GetTempFileName();
        try
        {
            Command.RunAsync(["sh", "-c", $"{tool} -dc '{file}' > '{unpacked}'"]).Checked().GetAwaiter().GetResult();
            return File.ReadAllBytes(unpacked);
        }
        finally
        {
            File.Delete(unpacked);
        }
    }
}
