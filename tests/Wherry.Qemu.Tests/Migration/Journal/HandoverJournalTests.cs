using Wherry.Qemu.Migration.Journal;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Process;

namespace Wherry.Qemu.Tests.Migration.Journal;

public sealed class HandoverJournalTests : IDisposable
{
    private static readonly Guid Domain = Guid.Parse("6f1a7f52-0a53-4a3a-9f3e-64cbbd2b6a10");
    private readonly string _path = Path.Combine(Path.GetTempPath(), "wherry-journal-" + Guid.NewGuid().ToString("N"));

    public void Dispose() => Directory.Delete(_path, recursive: true);

    [Fact]
    public void A_record_is_read_back_as_it_was_written()
    {
        var outcome = new MigrationOutcome.NeedsDecision("nobody knows", "virsh resume web1");
        var written = new HandoverJournal(_path).Write(Source(SourcePhase.Handed) with
        {
            Qemu = new(4711, 99887766, "/state/web1/monitor.sock"),
            SavedParameters = """{"max-bandwidth":134217728}""",
            SavedLockedMemory = new LockedMemory(Soft: 65536, Hard: 8388608),
            Disks = [new("vda", "libvirt-1-format", "drive-virtio-disk0", true)],
            Ports = [49152, 49153],
            LastError = "a \"quoted\" text\nof two lines",
            Source = Source(SourcePhase.Handed).Source! with { Outcome = outcome, Why = new(FailureKind.LinkLost, "cut") },
        });

        var journal = new HandoverJournal(_path);
        Assert.Empty(journal.Load());
        var read = Assert.Single(journal.Open);
        Assert.Equal(written with { Disks = [], Ports = [] }, read with { Disks = [], Ports = [] });
        Assert.Equal(written.Disks, read.Disks);
        Assert.Equal(written.Ports, read.Ports);
        Assert.Equal(1, read.Seq);
    }

    [Fact]
    public void Each_write_of_an_id_counts_on_also_over_a_restart()
    {
        var record = Source(SourcePhase.OwnSend);
        new HandoverJournal(_path).Write(record);
        var journal = new HandoverJournal(_path);
        journal.Load();
        Assert.Equal(2, journal.Write(record with { Source = record.Source! with { Phase = SourcePhase.OwnSend } }).Seq);
    }

    [Fact]
    [Fault(31)]
    public void A_truncated_record_is_set_aside_and_its_domain_is_named_while_the_others_load()
    {
        var journal = new HandoverJournal(_path);
        var good = journal.Write(Source(SourcePhase.Handed));
        var bad = journal.Write(Destination(DestinationPhase.Intent));
        string file = Path.Combine(_path, bad.Id + ".json");
        File.WriteAllBytes(file, File.ReadAllBytes(file)[..120]);

        var restarted = new HandoverJournal(_path);
        var damaged = Assert.Single(restarted.Load());
        Assert.Equal(Domain, damaged.DomainUuid);
        Assert.False(File.Exists(file));
        Assert.True(File.Exists(damaged.File.KeptAs));
        Assert.Equal(good.Id, Assert.Single(restarted.Open).Id);
    }

    [Theory]
    [Fault(31)]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("\0\0\0\0")]
    [InlineData("""{"schema":2,"domainUuid":"6f1a7f52-0a53-4a3a-9f3e-64cbbd2b6a10"}""")]
    public void Garbage_is_set_aside(string content)
    {
        Directory.CreateDirectory(_path);
        File.WriteAllText(Path.Combine(_path, HandoverId.New() + ".json"), content);
        var journal = new HandoverJournal(_path);
        Assert.Single(journal.Load());
        Assert.Empty(journal.Open);
    }

    /// <summary>A source that asks for it must not hear that it is unknown, however often this daemon restarts.</summary>
    [Fact]
    [Fault(31)]
    public void What_was_set_aside_is_told_at_every_start_until_a_person_takes_it_away()
    {
        var bad = new HandoverJournal(_path).Write(Destination(DestinationPhase.Ran));
        File.WriteAllText(Path.Combine(_path, bad.Id + ".json"), "");
        for (var start = 0; start < 3; start++)
        {
            var damaged = Assert.Single(new HandoverJournal(_path).Load());
            Assert.Equal(bad.Id, damaged.Id);
            Assert.False(damaged.IsCleared);
        }

        var last = Assert.Single(new HandoverJournal(_path).Load());
        File.Delete(last.File.KeptAs);
        Assert.True(last.IsCleared);
        Assert.Empty(new HandoverJournal(_path).Load());
    }

    [Fact]
    [Fault(29)]
    public void A_record_of_a_later_version_stays_where_it_is()
    {
        Directory.CreateDirectory(_path);
        var id = HandoverId.New();
        var file = Path.Combine(_path, id + ".json");
        File.WriteAllText(file, $$"""{"schema":2,"domainUuid":"{{Domain}}","source":7}""");
        var later = Assert.Single(new HandoverJournal(_path).Load());
        Assert.Equal((file, id, Domain), (later.File.KeptAs, later.Id, later.DomainUuid));
        Assert.True(later.File.IsOfLaterVersion);
        Assert.True(File.Exists(file));
    }

    [Fact]
    public void A_record_under_another_id_is_set_aside()
    {
        var record = new HandoverJournal(_path).Write(Source(SourcePhase.Handed));
        File.Move(Path.Combine(_path, record.Id + ".json"), Path.Combine(_path, HandoverId.New() + ".json"));
        Assert.Single(new HandoverJournal(_path).Load());
    }

    [Fact]
    [Fault(30)]
    public void A_write_that_fails_leaves_the_previous_record_and_says_so()
    {
        var journal = new HandoverJournal(_path);
        var record = journal.Write(Source(SourcePhase.OwnSend));
        // A directory under the temporary name: what a full or read-only disk does to the first step.
        Directory.CreateDirectory(Path.Combine(_path, record.Id + ".json.new"));

        var e = Assert.Throws<JournalWriteException>(() => journal.Write(Source(SourcePhase.Handed) with
        {
            Source = record.Source! with { Phase = SourcePhase.Handed },
        }));
        Assert.True(e.OldRecordStands);
        Assert.Equal(SourcePhase.OwnSend, journal.Find(record.Id)!.Source!.Phase);
        Directory.Delete(Path.Combine(_path, record.Id + ".json.new"));

        var restarted = new HandoverJournal(_path);
        restarted.Load();
        Assert.Equal(SourcePhase.OwnSend, Assert.Single(restarted.Open).Source!.Phase);
    }

    [Fact]
    public void Only_an_open_right_to_run_forbids_a_start()
    {
        var journal = new HandoverJournal(_path);
        var record = journal.Write(Source(SourcePhase.Handed));
        Assert.Equal(record.Id, journal.Unresolved(Domain)!.Id);
        Assert.Null(journal.Unresolved(Guid.NewGuid()));

        journal.Write(record with { Source = record.Source! with { Phase = SourcePhase.Released } });
        Assert.Null(journal.Unresolved(Domain));
    }

    [Fact]
    public void Closed_records_go_at_the_next_start_or_the_next_attempt()
    {
        var journal = new HandoverJournal(_path);
        var first = journal.Write(Source(SourcePhase.Closed));
        Assert.Empty(journal.Open);
        Assert.NotNull(journal.Find(first.Id));
        var second = journal.Write(Source(SourcePhase.Closed));
        Assert.Null(journal.Find(first.Id));

        var restarted = new HandoverJournal(_path);
        Assert.Empty(restarted.Load());
        Assert.Null(restarted.Find(second.Id));
        Assert.Empty(Directory.EnumerateFiles(_path));
    }

    [Fact]
    public void An_erased_id_is_unknown_and_may_be_erased_again()
    {
        var journal = new HandoverJournal(_path);
        var record = journal.Write(Destination(DestinationPhase.Ran));
        journal.Erase(record.Id);
        journal.Erase(record.Id);
        Assert.Null(journal.Find(record.Id));
        Assert.Empty(Directory.EnumerateFiles(_path));
    }

    private static HandoverRecord Source(SourcePhase phase) => Common() with
    {
        Source = new()
        {
            Id = HandoverId.New(),
            Phase = phase,
            Mode = MigrationMode.PeerToPeer,
            Peer = PeerKind.Wherry,
            PreState = GuestRunState.Running,
            CopiesDisks = true,
        },
    };

    private static HandoverRecord Destination(DestinationPhase phase) => Common() with
    {
        Destination = new()
        {
            Id = HandoverId.New(),
            Phase = phase,
            Mode = MigrationMode.Managed,
            Peer = PeerKind.Wherry,
            StartPaused = false,
        },
    };

    private static HandoverRecord Common() => new()
    {
        DomainUuid = Domain,
        DomainName = "web1",
        BootId = "0d5f3c1e-0000-4000-8000-000000000001",
        Peer = new("qemu+tls://bravo/system", Guid.NewGuid(), null),
    };
}
