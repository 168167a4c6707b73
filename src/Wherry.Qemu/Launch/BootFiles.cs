using Wherry.Xml;

namespace Wherry.Qemu.Launch;

/// <summary>Checks, before anything is made for a start, that the files QEMU loads by itself are there: its own message would drown in its log.</summary>
public static class BootFiles
{
    /// <exception cref="WherryException">SystemError: the kernel or the initial RAM disk does not exist; ConfigUnsupported: the emulator does not.</exception>
    public static void Check(DomainSpec spec)
    {
        if (spec.Emulator is { } emulator && !File.Exists(emulator))
            throw WherryException.FromErrno(DiskImages.NoSuchFile, $"Cannot check QEMU binary {emulator}");
        foreach (var path in new[] { spec.Os.Kernel, spec.Os.Initrd })
        {
            if (path is not null && !File.Exists(path))
                throw WherryException.FromErrno(DiskImages.NoSuchFile, $"unable to stat: {path}", ErrorDomain.Security);
        }
    }
}
