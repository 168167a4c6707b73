using System.Text;

namespace Wherry.Testbed.Guest;

/// <summary>
/// A cpio archive in the "newc" form that the kernel unpacks as its first root file system: per entry a header of 6 + 13 x 8
/// hexadecimal digits, the name with its NUL padded to 4 bytes, and the content padded to 4 bytes; the entry "TRAILER!!!" ends it.
/// Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
/// </summary>
internal sealed class InitramfsArchive(Stream archive)
{
    private const int Directory = 0x4000, RegularFile = 0x8000, CharacterDevice = 0x2000, SymbolicLink = 0xA000;

    private long _length;
    private int _inode;

    public void AddDirectory(string name) => Add(name, Directory | 0x1ED, []);

    public void AddExecutable(string name, byte[] content) => Add(name, RegularFile | 0x1ED, content);

    public void AddDevice(string name, int major, int minor) => Add(name, CharacterDevice | 0x180, [], major, minor);

    public void AddLink(string name, string target) => Add(name, SymbolicLink | 0x1FF, Encoding.UTF8.GetBytes(target));

    public void Close() => Add("TRAILER!!!", 0, []);

    private void Add(string name, int mode, byte[] content, int major = 0, int minor = 0)
    {
        var bytes = Encoding.UTF8.GetBytes(name + '\0');
        int[] fields = [++_inode, mode, 0, 0, 1, 0, content.Length, 0, 0, major, minor, bytes.Length, 0];
        Write(Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(field => field.ToString("x8")))));
        Write(bytes);
        Pad();
        Write(content);
        Pad();
    }

    private void Write(byte[] bytes)
    {
        archive.Write(bytes);
        _length += bytes.Length;
    }

    private void Pad() => Write(new byte[(4 - (_length % 4)) % 4]);
}
