using System.Text.RegularExpressions;
using Wherry.Testbed;

namespace Wherry.Tidy.Tests;

/// <summary>A tracked text file: its path from the root of the repository, and its lines.</summary>
internal sealed record SourceFile(string Path, string Text)
{
    public string[] Lines { get; } = Text.Split('\n');

    /// <summary>The lines of a C# file without comments, which may name what the code must not.</summary>
    public IEnumerable<(int Number, string Code)> Code =>
        Lines.Select((line, index) => (index + 1, Regex.Replace(line, @"(^|\s)//.*$", "")));

    /// <summary>The project that a file under src/ or tests/ belongs to, such as "Wherry.Wire".</summary>
    public string Project => Path.Split('/') is [_, var project, _, ..] ? project : "";
}

/// <summary>The sources as they are on this disk, without what builds produce.</summary>
internal static class SourceTree
{
    private static readonly string[] Produced = ["bin", "obj", ".git", ".cache", "artifacts"];

    public static IReadOnlyList<SourceFile> Files { get; } = Read(new DirectoryInfo(Repository.Root)).ToList();

    public static IEnumerable<SourceFile> CSharp => Files.Where(file => file.Path.EndsWith(".cs", StringComparison.Ordinal));

    public static IEnumerable<SourceFile> Product => CSharp.Where(file => file.Path.StartsWith("src/", StringComparison.Ordinal));

    public static SourceFile Get(string path) => Files.Single(file => file.Path == path);

    private static IEnumerable<SourceFile> Read(DirectoryInfo directory)
    {
        foreach (var file in directory.EnumerateFiles().Where(file => file.Length < 4 << 20 && !Produced.Contains(file.Name)))
            yield return new SourceFile(Path.GetRelativePath(Repository.Root, file.FullName), File.ReadAllText(file.FullName));
        foreach (var child in directory.EnumerateDirectories().Where(child => !Produced.Contains(child.Name)))
        {
            foreach (var file in Read(child))
                yield return file;
        }
    }
}
