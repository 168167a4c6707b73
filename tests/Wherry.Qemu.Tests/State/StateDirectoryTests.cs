using System.Text;
using Wherry.Qemu.Domains;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Tests.State;

public sealed class StateDirectoryTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("wherry-state-");

    public void Dispose() => _root.Delete(recursive: true);

    private StateDirectory Open() => new(Path.Combine(_root.FullName, "qemu"), ".xml");

    [Fact]
    public async Task A_written_file_is_read_back_and_only_its_owner_may_read_it()
    {
        var directory = Open();
        await directory.WriteAsync("web1", "<domain/>"u8.ToArray(), CancellationToken.None);
        Assert.Equal(["web1"], directory.Names());
        Assert.Equal("<domain/>", directory.Load("web1", Encoding.UTF8.GetString, out var damage));
        Assert.Null(damage);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(directory.PathOf("web1")));
    }

    [Fact]
    public async Task A_file_that_cannot_be_understood_is_set_aside_and_the_others_still_load()
    {
        var directory = Open();
        await directory.WriteAsync("bad", "<dom"u8.ToArray(), CancellationToken.None);
        await directory.WriteAsync("good", "<domain/>"u8.ToArray(), CancellationToken.None);
        static string Parse(byte[] bytes) =>
            bytes.AsSpan().SequenceEqual("<domain/>"u8) ? "fine" : throw new InvalidDataException("not closed");

        Assert.Null(directory.Load("bad", Parse, out var damage));
        Assert.Equal("not closed", damage!.Problem);
        Assert.Equal("<dom", File.ReadAllText(damage.KeptAs));
        Assert.Equal("fine", directory.Load("good", Parse, out _));
        Assert.Equal(["good"], directory.Names());
    }

    [Fact]
    public async Task A_file_of_a_later_version_is_refused_and_stays_where_it_is()
    {
        var directory = Open();
        await directory.WriteAsync("web1", """{"schema": 2, "what": "nobody knows yet"}"""u8.ToArray(), CancellationToken.None);
        Assert.Null(directory.Load("web1", LiveStatus.FromJson, out var damage));
        Assert.True(damage!.IsOfLaterVersion);
        Assert.Equal("schema 2, this version knows 1", damage.Problem);
        Assert.Equal(["web1"], directory.Names());
        await directory.WriteAsync("web2", """{"schema": 1}"""u8.ToArray(), CancellationToken.None);
        Assert.Null(directory.Load("web2", LiveStatus.FromJson, out damage));
        Assert.False(damage!.IsOfLaterVersion);
        Assert.Equal(["web1"], directory.Names());
    }

    [Fact]
    public async Task A_left_over_of_a_crash_during_writing_is_removed_and_the_old_content_stands()
    {
        var directory = Open();
        await directory.WriteAsync("web1", "old"u8.ToArray(), CancellationToken.None);
        File.WriteAllText(directory.PathOf("web1") + DurableFile.TemporarySuffix, "half");
        Assert.Equal(["web1"], Open().Names());
        Assert.False(File.Exists(directory.PathOf("web1") + DurableFile.TemporarySuffix));
        Assert.Equal("old", directory.Load("web1", Encoding.UTF8.GetString, out _));
    }

    [Fact]
    public void A_write_that_fails_leaves_the_old_content_and_nothing_else()
    {
        var directory = Open();
        // A directory where the temporary file belongs makes every write fail, whoever runs the test.
        Directory.CreateDirectory(directory.PathOf("web1") + DurableFile.TemporarySuffix);
        Assert.ThrowsAny<Exception>(() => directory.Write("web1", "new"u8));
        Assert.False(File.Exists(directory.PathOf("web1")));
    }
}
