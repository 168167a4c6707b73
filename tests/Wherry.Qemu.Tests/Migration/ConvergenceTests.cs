using Wherry.Qemu.Migration.Disks;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.Migration.Source;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Tests.Migration;

/// <summary>What is made of QEMU's figures: how long the guest would stand, and whether it ever ends.</summary>
public sealed class ConvergenceTests
{
    private const long MiB = 1024 * 1024;

    [Fact]
    [Trait("req", "S3.17")]
    public void The_downtime_counts_what_was_left_what_was_dirtied_since_and_what_the_disks_owe()
    {
        var convergence = new Convergence();
        convergence.Observe(Seen(pass: 2, remaining: 20 * MiB, dirtied: 5 * MiB, sent: 10 * MiB, disk: (90 * MiB, 100 * MiB)), Seconds(0));
        Assert.Equal(2000ul, convergence.DowntimeMs);

        // Two seconds later the disk has copied 8 of 10 MiB, and the guest has dirtied 10 MiB that QEMU has not counted yet.
        convergence.Observe(Seen(pass: 2, remaining: 10 * MiB, dirtied: 5 * MiB, sent: 10 * MiB, disk: (98 * MiB, 100 * MiB)), Seconds(2));
        Assert.Equal(4ul * MiB, convergence.DiskBytesPerSecond);
        Assert.Equal(2000ul + 500ul, convergence.DowntimeMs);

        convergence.Observe(Seen(pass: 3, remaining: 1 * MiB, dirtied: 5 * MiB, sent: 10 * MiB, disk: (100 * MiB, 100 * MiB)), Seconds(3));
        Assert.Equal(100ul, convergence.DowntimeMs);
        Assert.Null(convergence.Complaint);
    }

    [Fact]
    [Fault(83)]
    public void Memory_that_is_dirtied_as_fast_as_it_is_sent_does_not_converge_from_the_third_pass_on_and_until_it_is_slower()
    {
        var convergence = new Convergence();
        convergence.Observe(Seen(pass: 2, remaining: 64 * MiB, dirtied: 60 * MiB, sent: 16 * MiB), Seconds(1));
        Assert.Null(convergence.Complaint);
        convergence.Observe(Seen(pass: 3, remaining: 64 * MiB, dirtied: 15 * MiB, sent: 16 * MiB), Seconds(5));
        Assert.Equal("memory does not converge: dirtied at 15.0 MiB/s, sent at 16.0 MiB/s", convergence.Complaint);
        convergence.Observe(Seen(pass: 4, remaining: 8 * MiB, dirtied: 2 * MiB, sent: 16 * MiB), Seconds(9));
        Assert.Null(convergence.Complaint);
    }

    [Fact]
    [Fault(66)]
    public void Disks_whose_backlog_has_not_shrunk_for_ten_seconds_do_not_converge_however_ready_they_are()
    {
        var convergence = new Convergence();
        for (var second = 0; second < 10; second++)
        {
            convergence.Observe(Copying(offset: 100 + (second * 2), length: 140 + (second * 3)), Seconds(second));
            Assert.Null(convergence.Complaint);
        }

        convergence.Observe(Copying(offset: 120, length: 170), Seconds(10));
        Assert.Equal("disks do not converge: written at 3.0 MiB/s, copied at 2.0 MiB/s, 50.0 MiB are owed", convergence.Complaint);

        // Slowly is an end as well, and so is the end.
        convergence.Observe(Copying(offset: 160, length: 172), Seconds(11));
        Assert.Null(convergence.Complaint);
        Assert.Null(convergence.DowntimeMs);
    }

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    private static SourceObservation Copying(long offset, long length) => SourceObservation.None with { Mirrors = [Mirror(offset * MiB, length * MiB)] };

    private static MirrorReport Mirror(long offset, long length) => new("drive-virtio-disk0", Concluded: false, Ready: true, (ulong)offset, (ulong)length, Error: null);

    private static SourceObservation Seen(long pass, long remaining, long dirtied, long sent, (long Offset, long Length)? disk = null)
    {
        var ram = new MigrationStats(
            Transferred: 0, remaining, Total: 1024 * MiB, Duplicate: 0, Normal: 0, NormalBytes: 0, DirtyPagesRate: dirtied / 4096, Mbps: sent * 8 / 1_000_000.0,
            DirtySyncCount: pass, PostcopyRequests: 0, PageSize: 4096, MultifdBytes: 0, PagesPerSecond: 0, PrecopyBytes: 0, DowntimeBytes: 0, PostcopyBytes: 0);
        return SourceObservation.None with
        {
            Stream = StreamStatus.Active,
            Info = SourceObservation.None.Info with { Ram = ram },
            Mirrors = disk is { } copied ? [Mirror(copied.Offset, copied.Length)] : [],
        };
    }
}
