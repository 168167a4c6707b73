using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Wherry.Qmp.Commands;

namespace Wherry.Qmp.Tests;

/// <summary>Walks our declared JSON types beside a QEMU's schema and collects what the schema does not have.</summary>
internal sealed class SchemaComparison(ImmutableArray<SchemaInfo> schema)
{
    private readonly Dictionary<string, SchemaInfo> _entities = schema.ToDictionary(e => e.Name, StringComparer.Ordinal);
    private readonly ImmutableHashSet<string>.Builder _absences = ImmutableHashSet.CreateBuilder<string>();
    private readonly HashSet<Type> _within = [];

    /// <summary>Paths such as "migrate/arg/uri" or "JobStatus/ready".</summary>
    public ImmutableHashSet<string> Absences => _absences.ToImmutable();

    public void Command(string name, JsonTypeInfo? arguments, JsonTypeInfo result)
    {
        if (!_entities.TryGetValue(name, out var command) || command.MetaType != "command")
        {
            _absences.Add(name);
            return;
        }

        if (arguments is not null)
        {
            Compare($"{name}/arg", arguments, command.ArgType!, sending: true);
        }

        if (result.Type != typeof(QmpEmpty))
        {
            Compare($"{name}/ret", result, command.RetType!, sending: false);
        }
    }

    public void Event(string name, JsonTypeInfo? data)
    {
        if (!_entities.TryGetValue(name, out var entity) || entity.MetaType != "event")
        {
            _absences.Add(name);
        }
        else if (data is not null)
        {
            Compare(name, data, entity.ArgType!, sending: false);
        }
    }

    private void Compare(string path, JsonTypeInfo ours, string typeName, bool sending) => Compare(path, ours, [_entities[typeName]], sending);

    // More than one of theirs where variants of a union have a member of the same name: ours has to fit any.
    private void Compare(string path, JsonTypeInfo ours, ImmutableArray<SchemaInfo> theirs, bool sending)
    {
        if (Nullable.GetUnderlyingType(ours.Type) is { } underlying)
        {
            ours = ours.Options.GetTypeInfo(underlying);
        }

        var fitting = theirs.Where(t => Fits(ours, t)).ToImmutableArray();
        if (fitting.IsEmpty)
        {
            _absences.Add($"{path} is {string.Join('|', theirs.Select(t => $"{t.MetaType} {t.Name}"))} there and {ours.Type.Name} here");
        }
        else if (ours.Kind == JsonTypeInfoKind.Enumerable)
        {
            Compare(path, ours.Options.GetTypeInfo(ours.ElementType!), [.. fitting.Select(t => _entities[t.ElementType!])], sending);
        }
        else if (ours.Kind == JsonTypeInfoKind.Object)
        {
            // A type that contains itself, such as an image with the one below it, has been compared when it comes again.
            if (_within.Add(ours.Type))
            {
                CompareMembers(path, ours, fitting, sending);
                _within.Remove(ours.Type);
            }
        }
        else if (IsOpenEnum(ours.Type))
        {
            CompareValues(ours.Type, fitting);
        }
    }

    private static bool Fits(JsonTypeInfo ours, SchemaInfo theirs) => theirs.MetaType switch
    {
        "array" => ours.Kind == JsonTypeInfoKind.Enumerable,
        "object" => ours.Kind == JsonTypeInfoKind.Object || ours.Type == typeof(JsonElement), // The latter is handed on as it came.
        "enum" => ours.Type == typeof(string) || IsOpenEnum(ours.Type),
        // Those we use are "text or null" and "the name of a node or its options": we send text.
        "alternate" => ours.Type == typeof(JsonElement) || (ours.Type == typeof(string) && theirs.Members!.Value.Any(m => m.Type == "str")),
        "builtin" => IsBuiltin(ours.Type, theirs.Name),
        _ => false,
    };

    private void CompareMembers(string path, JsonTypeInfo ours, ImmutableArray<SchemaInfo> theirs, bool sending)
    {
        var members = theirs.SelectMany(MembersOf).ToLookup(m => m.Name!, StringComparer.Ordinal);
        var properties = ours.Properties.Where(p => p is { Get: not null, IsExtensionData: false }).ToList(); // A property that is not serialised has no getter.
        foreach (var property in properties)
        {
            var member = $"{path}/{property.Name}";
            var candidates = members[property.Name].ToList();
            if (candidates.Count == 0)
            {
                _absences.Add(member);
                continue;
            }

            Compare(member, ours.Options.GetTypeInfo(property.PropertyType), [.. candidates.Select(m => _entities[m.Type!]).Distinct()], sending);
            // What may be missing must be able to be null here, or zero would be taken for an answer.
            var canBeNull = !property.PropertyType.IsValueType || property.PropertyType == typeof(JsonElement) || Nullable.GetUnderlyingType(property.PropertyType) is not null;
            Expect($"{member} (optional there)", sending || canBeNull || !candidates.Exists(m => m.IsOptional));
        }

        var mandatory = theirs.Length == 1 && sending ? theirs[0].Members!.Value.Where(m => !m.IsOptional) : [];
        _absences.UnionWith(mandatory.Where(m => !properties.Exists(p => p.Name == m.Name)).Select(m => $"{path}/{m.Name} (mandatory there)"));
    }

    /// <summary>Of a union also those of every variant: we write unions as one flat record.</summary>
    private IEnumerable<SchemaMember> MembersOf(SchemaInfo type) =>
        type.Members!.Value.Concat((type.Variants ?? []).SelectMany(v => MembersOf(_entities[v.Type])));

    private void CompareValues(Type ours, ImmutableArray<SchemaInfo> theirs)
    {
        foreach (var field in ours.GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.FieldType == ours))
        {
            var value = field.GetValue(obj: null)!.ToString()!;
            Expect($"{ours.Name}/{value}", theirs.Any(t => t.Values is not { } values || values.Contains(value)));
        }
    }

    private static bool IsOpenEnum(Type type) => type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IOpenEnum<>));

    private static bool IsBuiltin(Type ours, string theirs) => theirs switch
    {
        "str" => ours == typeof(string) || ours == typeof(Guid) || IsOpenEnum(ours),
        "int" => ours == typeof(int) || ours == typeof(long),
        "bool" => ours == typeof(bool),
        "number" => ours == typeof(double),
        "any" => ours == typeof(JsonElement) || typeof(IReadOnlyDictionary<string, JsonElement>).IsAssignableFrom(ours),
        _ => false,
    };

    private void Expect(string path, bool holds)
    {
        if (!holds)
        {
            _absences.Add(path);
        }
    }
}
