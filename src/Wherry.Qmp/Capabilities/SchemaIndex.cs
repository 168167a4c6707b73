using System.Collections.Immutable;
using Wherry.Qmp.Commands;

namespace Wherry.Qmp.Capabilities;

/// <summary>
/// Turns the schema, a graph of types with arbitrary labels, into paths that start at the names that mean something:
/// <code>
///   blockdev-mirror                          a command
///   blockdev-mirror/arg/copy-mode            a member of its arguments (of any variant, where they are a union)
///   blockdev-mirror/arg/copy-mode=background a value of that member's enum
///   query-block-jobs/ret/actively-synced     a member of its answer (of each element, where that is a list)
///   MIGRATION, MIGRATION/arg/status=active   an event and its data
///   yank/oob                                 may go out of band
///   blockdev-mirror/$deprecated              a feature flag
/// </code>
/// </summary>
internal static class SchemaIndex
{
    /// <summary>
    /// Objects within objects. Three reach everything that we ask for; QEMU 7.2 has about 5,000 paths by then, and the trees
    /// of blockdev-add grow without end below.
    /// </summary>
    private const int MaxDepth = 3;

    public static ImmutableArray<string> Build(ImmutableArray<SchemaInfo> schema)
    {
        var entities = schema.ToDictionary(e => e.Name, StringComparer.Ordinal);
        var paths = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var entity in schema.Where(e => e.MetaType is "command" or "event"))
        {
            paths.Add(entity.Name);
            paths.UnionWith((entity.Features ?? []).Select(f => $"{entity.Name}/${f}"));
            if (entity.AllowOob == true)
            {
                paths.Add($"{entity.Name}/oob");
            }

            Walk(entity.ArgType, $"{entity.Name}/arg", []);
            Walk(entity.RetType, $"{entity.Name}/ret", []);
        }

        return [.. paths];

        void Walk(string? typeName, string path, ImmutableStack<string> above)
        {
            if (typeName is null || !entities.TryGetValue(typeName, out var type))
            {
                return;
            }

            switch (type.MetaType)
            {
                case "array":
                    Walk(type.ElementType, path, above);
                    break;
                case "enum":
                    paths.UnionWith((type.Values ?? []).Select(value => $"{path}={value}"));
                    break;
                case "alternate":
                    foreach (var member in type.Members ?? [])
                    {
                        Walk(member.Type, path, above);
                    }

                    break;
                case "object" when above.Count() < MaxDepth && !above.Contains(typeName):
                    WalkMembers(type, path, above.Push(typeName));
                    break;
            }
        }

        void WalkMembers(SchemaInfo type, string path, ImmutableStack<string> above)
        {
            foreach (var member in type.Members ?? [])
            {
                paths.Add($"{path}/{member.Name}");
                paths.UnionWith((member.Features ?? []).Select(f => $"{path}/{member.Name}/${f}"));
                Walk(member.Type, $"{path}/{member.Name}", above);
            }

            foreach (var variant in type.Variants ?? [])
            {
                if (entities.TryGetValue(variant.Type, out var variantType))
                {
                    WalkMembers(variantType, path, above);
                }
            }
        }
    }
}
