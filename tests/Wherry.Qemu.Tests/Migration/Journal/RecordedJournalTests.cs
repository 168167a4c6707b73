using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Testbed;

namespace Wherry.Qemu.Tests.Migration.Journal;

/// <summary>
/// Records as earlier daemons have left them, one directory per version of the format. They are never rewritten: a daemon that is upgraded in
/// the middle of a hand-over finds just these, and has to go on with them.
/// </summary>
public sealed class RecordedJournalTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), "wherry-journal-" + Guid.NewGuid().ToString("N"));

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [Theory]
    [Fault(29)]
    [InlineData("v1/source-handed", "Handed")]
    [InlineData("v1/destination-ran", "Ran")]
    [InlineData("v1/destination-prepared", "Prepared")]
    public void A_record_of_every_version_so_far_is_read(string recorded, string phase)
    {
        var source = Path.Combine(Repository.Root, "tests/data/handover", recorded + ".json");
        var id = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(source))![recorded.Contains("source", StringComparison.Ordinal) ? "source" : "destination"]!["id"]!.GetValue<string>();
        Directory.CreateDirectory(_path);
        File.Copy(source, Path.Combine(_path, id + ".json"));

        var journal = new HandoverJournal(_path);
        Assert.Empty(journal.Load());
        var record = Assert.Single(journal.Open);
        Assert.Equal(id, record.Id.ToString());
        Assert.Equal(phase, record.Source?.Phase.ToString() ?? record.Destination!.Phase.ToString());
        Assert.NotEqual(Guid.Empty, record.DomainUuid);
        Assert.Equal("passenger", record.DomainName);
        Assert.NotEmpty(record.BootId);
        Assert.NotNull(record.Peer.HostUuid);
        if (record.Source is { } ours)
        {
            Assert.Equal((MigrationMode.PeerToPeer, PeerKind.Wherry, GuestRunState.Running, true), (ours.Mode, ours.Peer, ours.PreState, ours.CopiesDisks));
            Assert.Equal(["vda", "vdb"], record.Disks.Select(disk => disk.Target));
            Assert.NotNull(record.SavedParameters);
        }
        else
        {
            Assert.Equal(2, record.Ports.Length);
        }

        // What this daemon writes of it reads the same.
        var again = journal.Write(record);
        Assert.Equal(record.Seq + 1, again.Seq);
    }
}
