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

    /// <summary>The wherryd that WHERRY_DAEMON names; else the one built with the same configuration as the running executable.</summary>
    public static string Daemon { get; } = Environment.GetEnvironmentVariable("WHERRY_DAEMON") is { Length: > 0 } named ? named : Path.Combine(
        Root, "src/Wherry.Daemon/bin", AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug", "net10.0/wherryd");
}
