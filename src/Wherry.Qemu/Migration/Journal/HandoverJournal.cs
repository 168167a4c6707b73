using System.Collections.Immutable;
using System.Text.Json;
using System.Text.RegularExpressions;
using Wherry.Qemu.Migration.Machines;
using Wherry.Qemu.State;

namespace Wherry.Qemu.Migration.Journal;

/// <summary>
/// Where hand-overs survive this process: one file per id in <c>STATE-DIR/handover</c>. The machines decide what is written and when; this
/// makes a write durable, or says exactly what a restart will read instead.
/// <code>
///   Write:  id.json.new --fsync--> rename to id.json --> fsync directory --> durable
///             |  fails here: the old record stands        |  fails here: either may be read after a power cut
/// </code>
/// The directory must be on a disk that survives a reboot, never under /run: losing a RUN record rolls a guest back (model-check.md, LOSE_RUN).
/// Safe for use by several hand-overs at once; one id has one writer.
/// </summary>
internal sealed partial class HandoverJournal
{
    private readonly StateDirectory _directory;
    private readonly Lock _gate = new();
    private ImmutableDictionary<HandoverId, HandoverRecord> _records = ImmutableDictionary<HandoverId, HandoverRecord>.Empty;

    /// <param name="path">Created if absent, mode 0700.</param>
    public HandoverJournal(string path) => _directory = new StateDirectory(path, ".json");

    /// <summary>Reads all records, once, before anything else of a domain is decided. Closed ones are removed, unless they owe a farewell.</summary>
    /// <returns>
    /// Every file that could not be understood, now or by a daemon before: it was set aside, or left where it is if a later version wrote it.
    /// As long as it is there, nobody knows who may run its domain.
    /// </returns>
    public ImmutableArray<DamagedHandover> Load()
    {
        var damaged = ImmutableArray.CreateBuilder<DamagedHandover>();
        foreach (var (name, path) in _directory.Wrecks())
            damaged.Add(new(new(_directory.PathOf(name), path, "it was damaged when an earlier daemon read it"), IdOf(name), DomainNamedIn(ReadWreck(path))));
        foreach (string name in _directory.Names())
        {
            byte[] content = [];
            var record = _directory.Load(name, bytes => Parse(name, content = bytes), out var damage);
            if (damage is not null)
                damaged.Add(new(damage, IdOf(name), DomainNamedIn(content)));
            else if (record!.IsClosed)
                _directory.Delete(name);
            else
                Remember(record);
        }
        return damaged.DrainToImmutable();
    }

    /// <summary>Every record that is not closed, or closed without its destination knowing.</summary>
    public ImmutableArray<HandoverRecord> Open => [.. _records.Values.Where(record => !record.IsClosed)];

    /// <summary>The record which forbids to start, resume or migrate this domain now (rule 12); null if there is none.</summary>
    public HandoverRecord? Unresolved(Guid domainUuid) =>
        _records.Values.FirstOrDefault(record => record.DomainUuid == domainUuid && record.IsUnresolved);

    /// <summary>The record as last written; null for an id this host does not know.</summary>
    public HandoverRecord? Find(HandoverId id) => _records.GetValueOrDefault(id);

    /// <summary>Durable when it returns.</summary>
    /// <returns>The record with its new <see cref="HandoverRecord.Seq"/>.</returns>
    /// <exception cref="JournalWriteException">Not durable; says whether the previous record certainly stands.</exception>
    public HandoverRecord Write(HandoverRecord record)
    {
        var next = record with { Seq = (Find(record.Id)?.Seq ?? 0) + 1 };
        Durably($"hand-over record {record.Id}", () =>
        {
            FaultPoint.Writing(next);
            _directory.Write(record.Id.ToString(), JsonSerializer.SerializeToUtf8Bytes(next, HandoverRecordJson.Default.HandoverRecord));
            FaultPoint.Flushing(next);
        });
        Remember(next);
        DropClosed(next);
        return next;
    }

    /// <summary>The id is unknown from here on, durably. Erasing an unknown id is no error.</summary>
    /// <exception cref="JournalWriteException">The record may be read once more after a restart.</exception>
    public void Erase(HandoverId id)
    {
        Durably($"removal of hand-over record {id}", () => _directory.Delete(id.ToString()));
        lock (_gate)
            _records = _records.Remove(id);
    }

    private void Remember(HandoverRecord record)
    {
        lock (_gate)
            _records = _records.SetItem(record.Id, record);
    }

    /// <summary>A closed record is kept for the curious until the domain's next hand-over, so their number is bounded by the domains'. One that owes a
    /// farewell stays until <see cref="Source.Farewells"/> erases it.</summary>
    private void DropClosed(HandoverRecord next)
    {
        foreach (var old in _records.Values.Where(old => old.IsClosed && old.DomainUuid == next.DomainUuid && old.Id != next.Id))
        {
            try
            {
                Erase(old.Id);
            }
            catch (JournalWriteException)
            {
                // It is closed: read again after a restart it would be removed then.
            }
        }
    }

    private static void Durably(string what, Action write)
    {
        try
        {
            write();
        }
        catch (DirectoryFlushException e)
        {
            throw new JournalWriteException($"{what} may not survive a power cut: {e.Message}", oldRecordStands: false, e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new JournalWriteException($"{what} cannot be written: {e.Message}", oldRecordStands: true, e);
        }
    }

    private static HandoverRecord Parse(string name, byte[] content)
    {
        if (SchemaOf(content) is > HandoverRecord.CurrentSchema and var later)
            throw new LaterVersionException($"schema {later} of a later version; this daemon reads {HandoverRecord.CurrentSchema}");
        var record = JsonSerializer.Deserialize(content, HandoverRecordJson.Default.HandoverRecord)
            ?? throw new InvalidDataException("an empty record");
        if (record.Schema < HandoverRecord.CurrentSchema)
            throw new InvalidDataException($"schema {record.Schema}, which no daemon has written");
        if (record.Source is null == record.Destination is null)
            throw new InvalidDataException("neither, or both, of source and destination");
        if (record.Id.ToString() != name)
            throw new InvalidDataException($"a record of hand-over {record.Id}");
        return record;
    }

    /// <summary>Before anything else of a later version's record is taken to mean what it means here. Null: it is not even JSON with a schema.</summary>
    private static int? SchemaOf(byte[] content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("schema", out var schema)
                && schema.TryGetInt32(out var number)
                ? number
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static HandoverId? IdOf(string name) => HandoverId.TryParse(name, out var id) ? id : null;

    private static byte[] ReadWreck(string path)
    {
        try
        {
            return new FileInfo(path).Length <= StateDirectory.MaxFileBytes ? File.ReadAllBytes(path) : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>A truncated file mostly still has its first lines.</summary>
    private static Guid? DomainNamedIn(byte[] content)
    {
        var match = DomainUuidLine().Match(System.Text.Encoding.UTF8.GetString(content));
        return match.Success && Guid.TryParse(match.Groups[1].Value, out var uuid) ? uuid : null;
    }

    [GeneratedRegex("\"domainUuid\": *\"([0-9a-f-]{36})\"", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DomainUuidLine();
}

/// <summary>A journal file that could not be understood.</summary>
/// <param name="File">Where it was, where it is kept, and what is wrong with it.</param>
/// <param name="Id">The hand-over, from the file's name: a peer that asks for it must not be told that it is unknown.</param>
/// <param name="DomainUuid">The domain it is about, if that could still be read: its start is refused until a person has looked.</param>
internal sealed record DamagedHandover(StateFileDamage File, HandoverId? Id, Guid? DomainUuid)
{
    /// <summary>A person has looked, and taken the file away.</summary>
    public bool IsCleared => !System.IO.File.Exists(File.KeptAs);
}

/// <summary>A hand-over record did not become durable.</summary>
internal sealed class JournalWriteException(string message, bool oldRecordStands, Exception inner) : Exception(message, inner)
{
    /// <summary>True: a restart certainly reads the previous record. False: it may read the new one.</summary>
    public bool OldRecordStands { get; } = oldRecordStands;
}
