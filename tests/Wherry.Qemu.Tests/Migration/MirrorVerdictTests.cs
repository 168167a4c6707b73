using System.Collections.Immutable;
using Wherry.Qemu.Migration.Disks;

namespace Wherry.Qemu.Tests.Migration;

public sealed class MirrorVerdictTests
{
    private static readonly ImmutableArray<MirroredDisk> TwoDisks =
        [new("vda", "virtio-disk0", "libvirt-2-format", 512), new("vdb", "virtio-disk1", "libvirt-1-format", 512)];

    [Fact]
    public void One_disk_that_still_copies_keeps_all_copying() =>
        Assert.Equal(new MirrorVerdict.Copying(400), Verdict(Report(0, ready: true, 512, 512), Report(1, ready: false, 112, 512)));

    [Fact]
    [Trait("req", "S3.16")]
    [Trait("req", "S3.17")]
    public void Ready_disks_report_what_the_guest_has_written_since() =>
        Assert.Equal(new MirrorVerdict.Ready(88), Verdict(Report(0, ready: true, 512, 600), Report(1, ready: true, 512, 512)));

    [Fact]
    [Trait("req", "S0.15")]
    public void A_disk_of_length_zero_is_ready_when_QEMU_says_so() =>
        Assert.Equal(new MirrorVerdict.Ready(0), Verdict(Report(0, ready: true, 0, 0), Report(1, ready: true, 512, 512)));

    [Fact]
    [Fault(68)]
    public void An_error_breaks_the_copy_even_when_every_byte_seems_to_be_there() =>
        Assert.Equal(
            new MirrorVerdict.Broken("vda", "Input/output error"),
            Verdict(finishing: true, Report(0, true, 512, 512) with { Concluded = true, Error = "Input/output error" }, Ended(1)));

    [Fact]
    public void A_clean_end_counts_only_after_we_asked_for_it()
    {
        Assert.IsType<MirrorVerdict.Broken>(Verdict(Ended(0), Report(1, ready: true, 512, 512)));
        Assert.Equal(new MirrorVerdict.Ready(0), Verdict(finishing: true, Ended(0), Report(1, ready: true, 512, 512)));
        Assert.Equal(new MirrorVerdict.Finished(), Verdict(finishing: true, Ended(0), Ended(1)));
    }

    [Fact]
    public void A_job_that_is_not_listed_breaks_the_copy() =>
        Assert.Equal("vdb", Assert.IsType<MirrorVerdict.Broken>(Verdict(Report(0, true, 512, 512))).Target);

    [Fact]
    public void Other_peoples_jobs_do_not_matter() =>
        Assert.Equal(
            new MirrorVerdict.Finished(),
            Verdict(finishing: true, Ended(0), Ended(1), new MirrorReport("backup", true, false, 0, 9, "No space left on device")));

    private static MirrorReport Report(int disk, bool ready, ulong offset, ulong length) =>
        new(TwoDisks[disk].JobId, Concluded: false, ready, offset, length, Error: null);

    private static MirrorReport Ended(int disk) => new(TwoDisks[disk].JobId, Concluded: true, Ready: true, 512, 512, Error: null);

    private static MirrorVerdict Verdict(params MirrorReport[] reports) => Verdict(finishing: false, reports);

    private static MirrorVerdict Verdict(bool finishing, params MirrorReport[] reports) => MirrorVerdict.Of(TwoDisks, reports, finishing);
}
