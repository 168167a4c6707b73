using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json.Serialization.Metadata;
using Wherry.Qmp.Commands;
using Wherry.Qmp.Events;
using Wherry.Testing;

namespace Wherry.Qmp.Tests;

/// <summary>
/// Every command, argument, answer, event and enum value that we declare exists in the schema of the QEMU at hand. What is declared for
/// another version of QEMU is listed, so that a slip of the pen cannot hide behind "it is probably newer".
/// </summary>
public sealed class SchemaHonestyTests
{
    // In the older QEMU not yet, or in the newer one not any more. Probed at run time before use.
    private static readonly ImmutableHashSet<string> NewerThan72 =
    [
        "blockdev-set-active",
        "migrate-incoming/arg/exit-on-error",
        "migrate-set-parameters/arg/avail-switchover-bandwidth",
        "query-migrate-parameters/ret/avail-switchover-bandwidth",
        "query-block/ret/inserted/active",
        "query-named-block-nodes/ret/active",
        "query-block-jobs/ret/actively-synced",
        "MigrationStatus/postcopy-recover-setup",
        "MigrationCapability/switchover-ack",
        "MigrationCapability/dirty-limit",
    ];

    private static readonly ImmutableHashSet<string> GoneIn100 =
    [
        "migrate-set-parameters/arg/compress-level",
        "migrate-set-parameters/arg/compress-threads",
        "migrate-set-parameters/arg/decompress-threads",
        "query-migrate-parameters/ret/compress-level",
        "query-migrate-parameters/ret/compress-threads",
        "query-migrate-parameters/ret/decompress-threads",
        "query-migrate/ret/disk",
        "MigrationCapability/compress",
    ];

    [Fact]
    public async Task Everything_declared_is_in_the_schema_of_this_QEMU()
    {
        var absences = await AbsencesAsync(RealQemu.Binary);
        Assert.Equal("", string.Join('\n', absences.Except(NewerThan72).Except(GoneIn100).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task Everything_declared_is_in_the_schema_of_the_alternative_QEMU()
    {
        Assert.SkipWhen(RealQemu.AlternativeBinary is null, "WHERRY_QEMU_ALT does not name a second QEMU");
        var absences = await AbsencesAsync(RealQemu.AlternativeBinary);
        Assert.Equal("", string.Join('\n', absences.Except(NewerThan72).Except(GoneIn100).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task Every_allowed_absence_is_one_in_one_of_the_two()
    {
        Assert.SkipWhen(RealQemu.AlternativeBinary is null, "WHERRY_QEMU_ALT does not name a second QEMU");
        var first = await AbsencesAsync(RealQemu.Binary);
        var second = await AbsencesAsync(RealQemu.AlternativeBinary);
        Assert.Equal("", string.Join('\n', NewerThan72.Union(GoneIn100).Except(first.Union(second))));
    }

    private static async Task<ImmutableHashSet<string>> AbsencesAsync(string binary)
    {
        await using var qemu = await RealQemu.StartAsync(TestContext.Current.CancellationToken, binary);
        var schema = await qemu.Monitor.ExecuteAsync(new QueryQmpSchema(), TestContext.Current.CancellationToken);
        var comparison = new SchemaComparison(schema);
        var commands = DeclaredCommands().ToList();
        Assert.True(commands.Count >= 60, "the reflection over our commands found too few");
        foreach (var (name, arguments, result) in commands)
        {
            comparison.Command(name, arguments, result);
        }

        foreach (var field in typeof(QmpEvents).GetFields(BindingFlags.Public | BindingFlags.Static))
        {
            var value = field.GetValue(obj: null)!;
            var name = value as string ?? (string)value.GetType().GetProperty("Name")!.GetValue(value)!;
            comparison.Event(name, value is string ? null : (JsonTypeInfo)value.GetType().GetProperty("Data")!.GetValue(value)!);
        }

        return comparison.Absences;
    }

    /// <summary>Every sealed subclass of <see cref="QmpCommand{TResult}"/>, made with arguments that are all default.</summary>
    private static IEnumerable<(string Name, JsonTypeInfo? Arguments, JsonTypeInfo Result)> DeclaredCommands()
    {
        foreach (var type in typeof(MonitorSession).Assembly.GetTypes().Where(t => t is { IsAbstract: false, BaseType.IsGenericType: true }
            && t.BaseType.GetGenericTypeDefinition() == typeof(QmpCommand<>)))
        {
            var constructor = type.GetConstructors().Single();
            var arguments = constructor.GetParameters().Select(p => p.ParameterType.IsValueType ? Activator.CreateInstance(p.ParameterType) : null);
            var command = constructor.Invoke([.. arguments]);
            yield return (
                (string)Internal(command, nameof(QmpCommand<>.CommandName))!,
                (JsonTypeInfo?)Internal(command, nameof(QmpCommand<>.Arguments)),
                (JsonTypeInfo)Internal(command, nameof(QmpCommand<>.Result))!);
        }
    }

    private static object? Internal(object command, string property) =>
        command.GetType().BaseType!.GetProperty(property, BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(command);
}
