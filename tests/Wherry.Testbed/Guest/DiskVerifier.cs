using System.Buffers.Binary;
using System.Collections.Immutable;

namespace Wherry.Testbed.Guest;

/// <summary>What a disk image holds, judged against what the guest said it had flushed. No problems means that every block is intact.</summary>
public sealed record DiskReport(char Disk, long Flushed, long Newest, long BlocksChecked, ImmutableArray<string> Problems)
{
    public bool Intact => Problems.IsEmpty;

    public override string ToString() => Intact
        ? $"vd{Disk}: {BlocksChecked} blocks intact, newest {Newest}, {Flushed} were flushed"
        : $"vd{Disk}: {Problems.Length} problems, first: {Problems[0]}";
}

/// <summary>
/// Reads an image that no running guest writes to (paused or gone) and checks each block that guest/workload.c wrote: its disk, its number for
/// its place, its checksum, and that no block up to the last flushed one is missing or older than it must be.
/// <code>
///   0 "WHERRYBK"  8 disk  16 number  24 checksum  32..4095 filler        all numbers little endian, 64 bits
/// </code>
/// </summary>
public static class DiskVerifier
{
    private const int Block = 4096, Batch = 16, MaxProblems = 20;

    public static async Task<DiskReport> CheckAsync(string image, string format, char disk, long flushed, CancellationToken ct = default)
    {
        if (format == "raw")
            return Check(image, disk, flushed);
        var raw = image + ".raw";
        try
        {
            // -U: a paused QEMU keeps its lock, but has flushed everything, its own caches included, when it stopped the guest.
            await Command.RunAsync(["qemu-img", "convert", "-U", "-f", format, "-O", "raw", image, raw], ct: ct).Checked();
            return Check(raw, disk, flushed);
        }
        finally
        {
            File.Delete(raw);
        }
    }

    private static DiskReport Check(string image, char disk, long flushed)
    {
        var problems = ImmutableArray.CreateBuilder<string>();
        using var file = File.OpenRead(image);
        // The guest writes whole batches, and leaves a last part that does not fill one.
        var places = file.Length / Block / Batch * Batch;
        long newest = 0, written = 0;
        var block = new byte[Block];
        for (long place = 0; place < places && problems.Count < MaxProblems; place++)
        {
            file.ReadExactly(block);
            // The newest flushed number that belongs at this place; not above 0 when none was flushed here.
            var needed = flushed - Modulo(flushed - 1 - place, places);
            var found = Examine(block, disk, place, places, out var problem);
            if (problem is not null)
                problems.Add($"block at {place * Block}: {problem}");
            else if (found < needed)
                problems.Add($"block at {place * Block}: holds number {found}, but number {needed} was flushed there");
            newest = Math.Max(newest, found);
            written += found > 0 ? 1 : 0;
        }

        if (flushed == 0)
            problems.Add("the guest has not flushed a single block");
        return new DiskReport(disk, flushed, newest, written, problems.ToImmutable());
    }

    /// <summary>The block's number, or 0 when it was never written.</summary>
    private static long Examine(ReadOnlySpan<byte> block, char disk, long place, long places, out string? problem)
    {
        problem = null;
        if (block.IndexOfAnyExcept((byte)0) < 0)
            return 0;
        var number = BinaryPrimitives.ReadInt64LittleEndian(block[16..]);
        var owner = BinaryPrimitives.ReadInt64LittleEndian(block[8..]);
        if (!block.StartsWith("WHERRYBK"u8))
            problem = "it is not one of the guest's blocks";
        else if (owner != disk)
            problem = $"it belongs to vd{(char)owner}";
        else if (number < 1 || (number - 1) % places != place)
            problem = $"number {number} does not belong here";
        else if (Checksum(block, disk, number) != BinaryPrimitives.ReadUInt64LittleEndian(block[24..]))
            problem = $"the checksum of number {number} is wrong";
        return number;
    }

    // FNV-1a over 64-bit words, as fill() in guest/workload.c.
    private static ulong Checksum(ReadOnlySpan<byte> block, char disk, long number)
    {
        const ulong prime = 1099511628211;
        var sum = 14695981039346656037;
        for (var at = 32; at < Block; at += 8)
            sum = (sum ^ BinaryPrimitives.ReadUInt64LittleEndian(block[at..])) * prime;
        sum = (sum ^ disk) * prime;
        return (sum ^ (ulong)number) * prime;
    }

    private static long Modulo(long value, long modulus) => ((value % modulus) + modulus) % modulus;
}
