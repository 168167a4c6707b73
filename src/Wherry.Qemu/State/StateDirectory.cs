namespace Wherry.Qemu.State;

/// <summary>
/// A directory of small durable files with one extension, one per object: definitions (<c>web1.xml</c>), live status, hand-over records.
/// </summary>
/// <remarks>
/// A file that cannot be understood never stops the daemon or hides the others: it is renamed to <c>NAME.corrupt-N</c>, kept for a human,
/// and reported by the caller. One of a later version stays as it is: going back to that version must find it.
/// </remarks>
public sealed class StateDirectory
{
    /// <summary>Far above any domain document (a large one is 100 KB); a bigger file is not ours.</summary>
    public const int MaxFileBytes = 16 * 1024 * 1024;

    private const string WreckMark = ".corrupt-";

    private readonly string _extension;

    /// <param name="path">Created, with its parents, mode 0700.</param>
    /// <param name="extension">With the dot, such as <c>.xml</c>.</param>
    public StateDirectory(string path, string extension)
    {
        DirectoryPath = path;
        _extension = extension;
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    public string DirectoryPath { get; }

    public string PathOf(string name) => Path.Combine(DirectoryPath, name + _extension);

    public Task WriteAsync(string name, ReadOnlyMemory<byte> content, CancellationToken ct) =>
        DurableFile.WriteAsync(PathOf(name), content, ct);

    public void Write(string name, ReadOnlySpan<byte> content) => DurableFile.Write(PathOf(name), content);

    public void Delete(string name) => DurableFile.Delete(PathOf(name));

    /// <summary>Names (without extension) of all files, in ordinal order. Temporary files left by a crash are removed first.</summary>
    public IReadOnlyList<string> Names()
    {
        foreach (var leftover in Directory.EnumerateFiles(DirectoryPath, "*" + _extension + DurableFile.TemporarySuffix))
            File.Delete(leftover);
        return [.. Directory.EnumerateFiles(DirectoryPath, "*" + _extension)
            .Select(file => Path.GetFileName(file)[..^_extension.Length])
            .Order(StringComparer.Ordinal)];
    }

    /// <summary>Files that were set aside at some time and are still here, with the name each had as an object.</summary>
    public IReadOnlyList<(string Name, string Path)> Wrecks() =>
        [.. Directory.EnumerateFiles(DirectoryPath, "*" + _extension + WreckMark + "*")
            .Order(StringComparer.Ordinal)
            .Select(file => (Path.GetFileName(file)[..Path.GetFileName(file).IndexOf(_extension + WreckMark, StringComparison.Ordinal)], file))];

    /// <summary>Reads and understands one file. Null when it is damaged, after it was set aside; <paramref name="damage"/> says why.</summary>
    public T? Load<T>(string name, Func<byte[], T> parse, out StateFileDamage? damage)
        where T : class
    {
        damage = null;
        var path = PathOf(name);
        try
        {
            var length = new FileInfo(path).Length;
            if (length > MaxFileBytes)
                throw new InvalidDataException($"{length} bytes, more than {MaxFileBytes}");
            return parse(File.ReadAllBytes(path));
        }
        catch (LaterVersionException e)
        {
            damage = new StateFileDamage(path, path, e.Message);
            return null;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            damage = new StateFileDamage(path, SetAside(path), e.Message);
            return null;
        }
    }

    private static string SetAside(string path)
    {
        for (var n = 1; ; n++)
        {
            var aside = $"{path}{WreckMark}{n}";
            if (File.Exists(aside))
                continue;
            File.Move(path, aside);
            DurableFile.FlushDirectory(Path.GetDirectoryName(path)!);
            return aside;
        }
    }
}

/// <summary>What was found instead of a readable file, and where it is kept.</summary>
public sealed record StateFileDamage(string Path, string KeptAs, string Problem)
{
    /// <summary>Written by a later version of ours, which will want it back: left where it is.</summary>
    public bool IsOfLaterVersion => KeptAs == Path;
}

/// <summary>The file is whole, and of a version that we do not know yet.</summary>
public sealed class LaterVersionException(string message) : Exception(message);
