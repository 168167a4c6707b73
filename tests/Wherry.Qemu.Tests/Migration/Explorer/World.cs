using System.Numerics;
using System.Runtime.InteropServices;

namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>What one daemon is doing, as numbers: ids of interned machine states, records and effect lists. 0 is "none".</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Daemon
{
    // On disk.
    public ushort Record;

    // In memory: gone with a crash.
    public ushort State;

    /// <summary>What is left to execute of the last step. While it is not empty, the machine takes no input.</summary>
    public ushort Effects;

    /// <summary>Results of effects that wait in the mailbox; a set, so they arrive in any order.</summary>
    public ulong Inbox;
    public ushort Timers;
    public bool Up;

    /// <summary>Source: a question is out (so it may be met by silence). Destination: a Finish waits for its answer.</summary>
    public bool Asked;

    // Budgets.
    public byte Crashes;
    public byte JournalFailures;
}

internal enum Vcpus : byte
{
    None,
    Running,

    /// <summary>Source: stopped by the migration. Destination: loaded and paused.</summary>
    Stopped,

    /// <summary>Destination: `inmigrate`.</summary>
    Incoming,
    Dead,
}

/// <summary>Messages between the hosts. Once sent, each may be taken at any later time, any number of times, or never.</summary>
internal enum Message
{
    Prepare,
    PrepareDone,
    PrepareError,
    Finish,
    Resolve,
    Cancel,
    Run,
    Abort,
    Forget,
    Forgotten,

    // Post-copy that is taken up again: Prepare with POSTCOPY_RESUME, and its two answers.
    Recover,
    Listening,
    GuestGone,

    /// <summary>Cancel that wants an answer.</summary>
    Withdraw,
    Count,
}

/// <summary>One state of the whole world. Plain bytes, so that millions of them can be compared and hashed quickly.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct World : IEquatable<World>
{
    public Daemon Source;
    public Daemon Destination;

    /// <summary>Bit (attempt - 1) * Message.Count + message.</summary>
    public ulong Messages;

    public byte Attempt;

    /// <summary>The attempt the destination's slot belongs to.</summary>
    public byte DestinationAttempt;

    // The two QEMUs, as measured on 7.2.
    public Vcpus SourceQemu;
    public Vcpus DestinationQemu;

    /// <summary>query-migrate at the source (a StreamStatus).</summary>
    public byte Stream;

    /// <summary>Per attempt: everything, device state included, is on the wire, so that the destination can load it whatever the source does (F40).</summary>
    public byte StreamSent;

    /// <summary>Post-copy: part of the destination's memory is in the source QEMU alone.</summary>
    public bool Owed;

    // The client of a managed migration.
    public bool ClientAlive;
    public bool PerformAnswered;

    // Faults and ghosts.
    public bool Fenced;
    public bool SourceFenced;
    public bool SourceKilled;
    public bool DestinationKilled;

    /// <summary>Ghost: the destination's vCPUs executed an instruction (PAUSED: its images were taken over).</summary>
    public bool Ever;

    /// <summary>Ghost: the source's vCPUs went on after all of the guest had been sent.</summary>
    public bool SourceWentOn;

    /// <summary>Ghost: the destination had to assume that they did.</summary>
    public bool Unknown;

    public readonly bool Has(int attempt, Message message) => (Messages >> Bit(attempt, message) & 1) != 0;

    public void Send(int attempt, Message message) => Messages |= 1UL << Bit(attempt, message);

    public void Take(int attempt, Message message) => Messages &= ~(1UL << Bit(attempt, message));

    private static int Bit(int attempt, Message message) => ((attempt - 1) * (int)Message.Count) + (int)message;

    public readonly bool Equals(World other) => Bytes(in this).SequenceEqual(Bytes(in other));

    public override readonly bool Equals(object? obj) => obj is World other && Equals(other);

    public override readonly int GetHashCode()
    {
        ulong hash = 0;
        var bytes = Bytes(in this);
        for (; bytes.Length >= 8; bytes = bytes[8..])
            hash = BitOperations.RotateLeft((hash ^ MemoryMarshal.Read<ulong>(bytes)) * 0x9E3779B97F4A7C15, 29);
        foreach (byte rest in bytes)
            hash = (hash ^ rest) * 0x9E3779B97F4A7C15;
        return (int)(hash ^ hash >> 32);
    }

    private static ReadOnlySpan<byte> Bytes(in World world) => MemoryMarshal.AsBytes(new ReadOnlySpan<World>(in world));
}
