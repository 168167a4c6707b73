namespace Wherry.Testbed;

/// <summary>Where the sources are, found from the running executable upwards.</summary>
public static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Wherry.slnx")))
                return directory.FullName;
        }

        throw new DirectoryNotFoundException($"no Wherry.slnx above {AppContext.BaseDirectory}");
    }

    /// <summary>The wherryd built with the same configuration as the running executable.</summary>
    public static string Daemon { get; } = Path.Combine(
        Root, "src/Wherry.Daemon/bin", AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug", "net10.0/wherryd");
}
