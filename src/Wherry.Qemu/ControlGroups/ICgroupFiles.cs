namespace Wherry.Qemu.ControlGroups;

/// <summary>
/// The kernel's files that control groups are made of. Paths are absolute. A directory made here is a group, and has its files at once.
/// </summary>
public interface ICgroupFiles
{
    bool Exists(string path);

    /// <summary>The whole text, at most 1 MiB; null when there is no such file.</summary>
    /// <exception cref="WherryException">SystemError: it cannot be read.</exception>
    string? TryRead(string path);

    /// <summary>Writes a value with one system call, as the kernel wants it.</summary>
    /// <returns>0, or the errno.</returns>
    int Write(string path, string value);

    /// <summary>Makes a group.</summary>
    /// <returns>0, or the errno; EEXIST for one that is there.</returns>
    int MakeDirectory(string path);

    /// <summary>Removes a group that has neither processes nor groups in it. Nothing else is ever removed.</summary>
    /// <returns>0, or the errno; EBUSY for one that has.</returns>
    int RemoveDirectory(string path);

    /// <summary>Names of the groups in a group; none when there is no such group.</summary>
    IReadOnlyList<string> Directories(string path);

    /// <summary>Major and minor number of a block device.</summary>
    /// <exception cref="WherryException">SystemError: there is none at this path.</exception>
    (uint Major, uint Minor) BlockDevice(string path);
}

/// <summary>Numbers of the kernel's errors.</summary>
internal static class CgroupErrno
{
    public const int NotPermitted = 1; // EPERM
    public const int Missing = 2; // ENOENT
    public const int AccessDenied = 13; // EACCES
    public const int Busy = 16; // EBUSY
    public const int Exists = 17; // EEXIST
    public const int Invalid = 22; // EINVAL
    public const int ReadOnly = 30; // EROFS
    public const int NotSupported = 95; // EOPNOTSUPP
}
