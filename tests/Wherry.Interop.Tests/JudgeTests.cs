using System.Buffers.Binary;
using Wherry.Testbed.Guest;

namespace Wherry.Interop.Tests;

/// <summary>A judge that cannot say "guilty" proves nothing: each must catch what it is there for.</summary>
public sealed class JudgeTests : IDisposable
{
    private const int Block = 4096, Places = 16;

    private readonly string _image = Path.GetTempFileName();

    public void Dispose() => File.Delete(_image);

    [Fact]
    public async Task An_image_with_every_flushed_block_is_intact()
    {
        WriteImage(newest: 20);
        Assert.True((await VerifyAsync(flushed: 20)).Intact);
    }

    [Fact]
    public async Task Blocks_written_after_the_last_flush_may_or_may_not_be_there()
    {
        WriteImage(newest: 20);
        Assert.True((await VerifyAsync(flushed: 17)).Intact);
    }

    [Fact]
    public async Task A_lost_block_is_found()
    {
        WriteImage(newest: 20);
        Overwrite(place: 3, new byte[Block]);
        Assert.Equal(["block at 12288: holds number 0, but number 20 was flushed there"], (await VerifyAsync(flushed: 20)).Problems);
    }

    [Fact]
    public async Task A_block_that_went_back_to_what_it_was_before_is_found()
    {
        WriteImage(newest: 20);
        Overwrite(place: 3, MakeBlock('a', 4));
        Assert.Equal(["block at 12288: holds number 4, but number 20 was flushed there"], (await VerifyAsync(flushed: 20)).Problems);
    }

    [Fact]
    public async Task One_flipped_bit_is_found()
    {
        WriteImage(newest: 20);
        var block = MakeBlock('a', 20);
        block[2000] ^= 1;
        Overwrite(place: 3, block);
        Assert.Equal(["block at 12288: the checksum of number 20 is wrong"], (await VerifyAsync(flushed: 20)).Problems);
    }

    [Fact]
    public async Task A_block_of_the_other_disk_is_found()
    {
        WriteImage(newest: 20);
        Overwrite(place: 3, MakeBlock('b', 20));
        Assert.Equal(["block at 12288: it belongs to vdb"], (await VerifyAsync(flushed: 20)).Problems);
    }

    [Fact]
    public void A_guest_that_moves_and_goes_on_counting_is_fine()
    {
        var timeline = Timeline((0, 1), (0, 2), (1, 3), (1, 4), (2, 5));
        Assert.Empty(timeline.Violations);
        Assert.Equal([(0, 1), (1, 2)], timeline.HandOvers.Select(move => (move.From, move.To)));
    }

    [Fact]
    public void Two_running_copies_are_found() =>
        Assert.Equal(
            ["two copies ran: QEMU 0 sent beat 4 after QEMU 1 had sent 3"],
            Timeline((0, 1), (0, 2), (1, 3), (0, 4)).Violations);

    [Fact]
    public void A_guest_whose_memory_went_back_is_found() =>
        Assert.Equal(["the guest went back: beat 2 came after 3"], Timeline((0, 1), (0, 3), (1, 2)).Violations);

    [Fact]
    public void A_line_cut_in_two_by_the_migration_is_nobodys_beat()
    {
        var timeline = new GuestTimeline();
        timeline.Add(0, 1, "b 7");
        timeline.Add(1, 2, ":b:3"); // The end of "f:b:3", whose beginning the source printed.
        timeline.Add(1, 3, "b 8");
        Assert.Empty(timeline.Violations);
        Assert.Equal(0, timeline.Flushed('b'));
    }

    private static GuestTimeline Timeline(params (int Qemu, int Count)[] beats)
    {
        var timeline = new GuestTimeline();
        for (var index = 0; index < beats.Length; index++)
            timeline.Add(beats[index].Qemu, index, $"b {beats[index].Count}");
        return timeline;
    }

    private Task<DiskReport> VerifyAsync(long flushed) => DiskVerifier.CheckAsync(_image, "raw", 'a', flushed);

    private void WriteImage(int newest)
    {
        for (var number = 1; number <= newest; number++)
            Overwrite((number - 1) % Places, MakeBlock('a', number));
    }

    private void Overwrite(int place, byte[] block)
    {
        using var file = File.OpenWrite(_image);
        file.Position = (long)place * Block;
        file.Write(block);
    }

    // As fill() in guest/workload.c; the filler's values do not matter, only that the checksum covers them.
    private static byte[] MakeBlock(char disk, long number)
    {
        const ulong prime = 1099511628211;
        var block = new byte[Block];
        "WHERRYBK"u8.CopyTo(block);
        BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(8), disk);
        BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(16), number);
        var sum = 14695981039346656037;
        for (var at = 32; at < Block; at += 8)
        {
            BinaryPrimitives.WriteInt64LittleEndian(block.AsSpan(at), number * at);
            sum = (sum ^ (ulong)(number * at)) * prime;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(block.AsSpan(24), ((((sum ^ disk) * prime) ^ (ulong)number) * prime));
        return block;
    }
}
