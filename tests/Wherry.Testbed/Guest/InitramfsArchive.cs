using System.Text;

namespace Wherry.Testbed.Guest;

/// <summary>
/// A cpio archive in the "newc" form that the kernel unpacks as its first root file system: per entry a header of 6 + 13 x 8
/// hexadecimal digits, the name with its NUL padded to 4 bytes, and the content padded to 4 bytes; the entry "TRAILER!!!" ends it.
/// Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
/// </summary>
internal sealed class InitramfsArchive
{
    private const int Directory = 0x4000, RegularFile = 0x8000, CharacterDevice = 0x2000;

    private readonly MemoryStream _archive = new();
    private int _inode;

    public void AddDirectory(string name) => Add(name, Directory | 0x1ED, []);

    public void AddExecutable(string name, byte[] content) => Add(name, RegularFile | 0x1ED, content);

    public void AddDevice(string name, int major, int minor) => Add(name, CharacterDevice | 0x180, [], major, minor);

    public byte[] Close()
    {
        Add("TRAILER!!!", 0, []);
        return _archive.ToArray();
    }

    private void Add(string name, int mode, byte[] content, int major = 0, int minor = 0)
    {
        int[] fields = [++_inode, mode, 0, 0, 1, 0, content.Length, 0, 0, major, minor, name.Length + 1, 0];
        _archive.Write(Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(field => field.ToString("x8"))) + name + '\0'));
        Pad();
        _archive.Write(content);
        Pad();
    }

    private void Pad()
    {
        while (_archive.Length % 4 != 0)
            _archive.WriteByte(0);
    }
}
