namespace Wherry.Testbed.Machine;

/// <summary>Programs of this machine with all that they need to run on another one: shared libraries, and where links lead.</summary>
internal sealed class ProgramFiles
{
    private readonly SortedDictionary<string, string?> _entries = new(StringComparer.Ordinal); // path -> where a link leads

    /// <summary>By path, without the first slash: links with where they lead, and files with null. Directories follow from them.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Entries => _entries;

    /// <summary>Files, and directories with all that is in them.</summary>
    public async Task AddAsync(params IEnumerable<string> paths)
    {
        var added = new List<string>();
        foreach (var path in paths)
            Add(path, added);
        var programs = added.Where(IsProgram).ToList();
        if (programs.Count == 0)
            return;
        // What one of them needs is told with all that this needs in turn; "not a dynamic executable" is an answer, too.
        var needed = (await Command.RunAsync(["ldd", .. programs])).Output
            .Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries)
            .Where(word => word[0] == '/' && !word.EndsWith(':'));
        foreach (var path in needed.Distinct().ToList())
            Add(path, []);
    }

    private void Add(string path, List<string> added)
    {
        var at = Path.Combine(RealDirectory(Path.GetDirectoryName(path)!), Path.GetFileName(path));
        var name = at.TrimStart('/');
        if (_entries.ContainsKey(name))
            return;
        if (File.ResolveLinkTarget(at, returnFinalTarget: false) is { } target)
        {
            _entries[name] = new FileInfo(at).LinkTarget;
            Add(target.FullName, added);
        }
        else if (Directory.Exists(at))
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries(at))
                Add(entry, added);
        }
        else if (File.Exists(at))
        {
            _entries[name] = null;
            added.Add(at);
        }
    }

    /// <summary>With links on the way followed, and kept: /lib64 may be one.</summary>
    private string RealDirectory(string directory)
    {
        if (directory.Length <= 1)
            return "/";
        var at = Path.Combine(RealDirectory(Path.GetDirectoryName(directory)!), Path.GetFileName(directory));
        if (new DirectoryInfo(at).LinkTarget is not { } target)
            return at;
        _entries[at.TrimStart('/')] = target;
        return RealDirectory(Path.GetFullPath(target, Path.GetDirectoryName(at)!));
    }

    private static bool IsProgram(string path)
    {
        Span<byte> magic = stackalloc byte[4];
        using var file = File.OpenRead(path);
        return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual("\u007fELF"u8);
    }
}
