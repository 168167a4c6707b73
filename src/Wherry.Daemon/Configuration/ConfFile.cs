using System.Collections.Immutable;
using System.Globalization;
using Wherry.Errors;

namespace Wherry.Daemon.Configuration;

/// <summary>
/// A file in the syntax of libvirtd.conf and qemu.conf. Operators, Ansible roles and documentation know it, so it is read as it is.
/// </summary>
/// <remarks>
/// <code>
///   # comment                          key = 5          key = -1
///   key = "text"    key = 'text'       key = """text with "quotes" """       (no escapes in any of them)
///   key = [ "a", "b",                  a list may go over several lines; a trailing comma is allowed
///           "c" ]
/// </code>
/// Source: behaviour of libvirt 9.0's parser (src/util/virconf.c), tried with virt-admin-style files. A key given twice: the first counts.
/// </remarks>
internal sealed class ConfFile
{
    private readonly Dictionary<string, ConfEntry> _entries;
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    private ConfFile(string name, Dictionary<string, ConfEntry> entries)
    {
        Name = name;
        _entries = entries;
    }

    public string Name { get; }

    public static ConfFile Empty { get; } = new("(defaults)", []);

    /// <summary>Keys in the file that nobody asked for, in its order: misspelt, or a setting we do not have.</summary>
    public IReadOnlyList<(string Key, int Line)> Unasked
    {
        get
        {
            var unasked = new List<(string Key, int Line)>();
            foreach (var (key, entry) in _entries)
            {
                if (!_asked.Contains(key))
                    unasked.Add((key, entry.Line));
            }

            unasked.Sort((one, other) => one.Line.CompareTo(other.Line));
            return unasked;
        }
    }

    /// <exception cref="WherryException">ConfSyntax naming file, line and what was expected.</exception>
    public static ConfFile Parse(string name, string text) => new(name, new ConfReader(name, text).ReadAll());

    public string? Text(string key) => Value(key) switch
    {
        null => null,
        ConfValue.Text text => text.Content,
        var other => throw Mismatch(key, "a string", other),
    };

    public long? Number(string key, long min, long max) => Value(key) switch
    {
        null => null,
        ConfValue.Number number when number.Content >= min && number.Content <= max => number.Content,
        ConfValue.Number number => throw Error(key, $"{number.Content} is outside {min}..{max}"),
        var other => throw Mismatch(key, "a number", other),
    };

    public int? Int(string key, int min, int max) => (int?)Number(key, min, max);

    /// <summary>0 or 1, as all switches in these files.</summary>
    public bool? Switch(string key) => Number(key, 0, 1) switch
    {
        null => null,
        var value => value == 1,
    };

    /// <summary>A list of strings; a single string counts as a list of one, as in libvirt.</summary>
    public ImmutableArray<string>? List(string key) => Value(key) switch
    {
        null => null,
        ConfValue.Text text => [text.Content],
        ConfValue.List list => [.. list.Items],
        var other => throw Mismatch(key, "a list of strings", other),
    };

    /// <summary>The key is known and deliberately without effect.</summary>
    public void Touch(string key) => _asked.Add(key);

    /// <summary>An error about one key, with the place to look at.</summary>
    public WherryException Error(string key, string problem)
    {
        var place = _entries.TryGetValue(key, out var entry) ? $"{Name}:{entry.Line.ToString(CultureInfo.InvariantCulture)}" : Name;
        return new WherryException(ErrorCode.ConfSyntax, $"{place}: {key}: {problem}", ErrorDomain.Conf);
    }

    private WherryException Mismatch(string key, string wanted, ConfValue found) => Error(key, $"must be {wanted}, not {found.Kind}");

    private ConfValue? Value(string key)
    {
        _asked.Add(key);
        return _entries.TryGetValue(key, out var entry) ? entry.Value : null;
    }
}

internal readonly record struct ConfEntry(ConfValue Value, int Line);

internal abstract record ConfValue(string Kind)
{
    public sealed record Text(string Content) : ConfValue("a string");

    public sealed record Number(long Content) : ConfValue("a number");

    public sealed record List(ImmutableArray<string> Items) : ConfValue("a list");
}
