using System.Collections.Immutable;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Wherry.Testbed;
using Wherry.Wire.Procedures;
using Wherry.Wire.Remote;
using Wherry.Wire.Tests.Codecs;
using Wherry.Wire.Xdr;

namespace Wherry.Wire.Tests.Shape;

/// <summary>
/// The wire as text, so that a change of it is a line in a review: tests/data/wire-shape.txt, made from the declarations.
/// <c>UPDATE_SNAPSHOTS=1</c> rewrites it; a changed line of a released struct is a peer that no longer understands us.
/// </summary>
public sealed class WireShapeTests
{
    private static readonly string Recorded = Path.Join(Repository.Root, "tests/data/wire-shape.txt");

    [Fact]
    public void The_wire_is_as_recorded()
    {
        var actual = Describe();
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1")
            File.WriteAllText(Recorded, actual);

        Assert.Equal(File.ReadAllText(Recorded), actual);
    }

    [Fact]
    public void Every_struct_of_a_call_or_event_belongs_to_a_procedure()
    {
        var procedures = typeof(RemoteProcedure).GetFields().Select(field => field.Name).ToHashSet(StringComparer.Ordinal);
        var strays = WireStructs.All
            .Where(type => type.Namespace == typeof(RemoteProcedure).Namespace)
            .Select(type => type.Name)
            .Where(name => name.EndsWith("Args", StringComparison.Ordinal) || name.EndsWith("Ret", StringComparison.Ordinal)
                || name.EndsWith("Msg", StringComparison.Ordinal))
            .Where(name => !procedures.Contains(name[..^(name.EndsWith("Args", StringComparison.Ordinal) ? 4 : 3)]));

        Assert.Empty(strays);
    }

    [Fact]
    public void No_two_procedures_share_a_number()
    {
        var numbers = typeof(RemoteProcedure).GetFields().Where(field => field.FieldType == typeof(int)).Select(field => (int)field.GetRawConstantValue()!);

        Assert.Equal(Enumerable.Range(1, 443), numbers);
    }

    [Fact]
    public void Nothing_that_changes_something_is_open_to_a_read_only_connection()
    {
        var changes = new Regex(
            "(Create|Destroy|Define|Undefine|Set|Suspend|Resume|Shutdown|Reboot|Reset|Migrate|Attach|Detach|Update|Save|Restore|Abort|Pin|Send|Inject"
            + "|Rename|Delete|Agent|Open|Build|Wipe|Upload|Alloc|Fsfreeze|Fsthaw|Fstrim)(?![a-z])",
            RegexOptions.None,
            TimeSpan.FromSeconds(1));
        var open = typeof(RemoteProcedure).GetFields()
            .Where(field => field.GetCustomAttribute<TraitsAttribute>() is { ReadOnly: true, BeforeAuth: false })
            .Select(field => field.Name)
            .Where(name => changes.IsMatch(name));

        // These ask, or open the connection itself.
        Assert.Equal(
            [
                "ConnectOpen", "DomainGetEmulatorPinInfo", "DomainGetVcpuPinInfo", "DomainHasManagedSaveImage", "DomainManagedSaveGetXmlDesc",
                "DomainMigrateGetCompressionCache", "DomainMigrateGetMaxDowntime",
            ],
            open.Order(StringComparer.Ordinal));
    }

    private static string Describe()
    {
        var text = new StringBuilder();
        foreach (var type in WireStructs.All)
        {
            text.Append(type.FullName!["Wherry.Wire.".Length..]).Append('\n');
            foreach (var field in WireStructs.Fields(type))
                text.Append("    ").Append(Form(field)).Append(' ').Append(field.Name).Append(Bounds(field)).Append('\n');
        }

        return text.ToString();
    }

    private static string Form(ParameterInfo field)
    {
        if (field.GetCustomAttribute<XdrCharsAttribute>() is not null)
            return "char";
        if (field.ParameterType == typeof(string))
            return new NullabilityInfoContext().Create(field).WriteState == NullabilityState.Nullable ? "string?" : "string";
        if (field.ParameterType == typeof(ImmutableArray<byte>))
            return "opaque";
        if (Nullable.GetUnderlyingType(field.ParameterType) is { } inner)
            return Word(inner) + "?";
        return Word(field.ParameterType.IsGenericType ? field.ParameterType.GetGenericArguments()[0] : field.ParameterType);
    }

    private static string Bounds(ParameterInfo field) => field switch
    {
        _ when field.GetCustomAttribute<XdrCharsAttribute>() is { } chars => chars.Fixed ? $"[{chars.Count}]" : $"<{chars.Count}>",
        _ when field.GetCustomAttribute<XdrMaxAttribute>() is { } max => $"<{max.Max}>",
        _ => "",
    };

    private static string Word(Type type) => type switch
    {
        _ when type == typeof(int) => "int",
        _ when type == typeof(uint) => "uint",
        _ when type == typeof(long) => "hyper",
        _ when type == typeof(ulong) => "uhyper",
        _ when type == typeof(byte) => "uchar",
        _ when type == typeof(ushort) => "ushort",
        _ when type == typeof(double) => "double",
        _ when type == typeof(bool) => "bool",
        _ when type == typeof(string) => "string",
        _ when type == typeof(Guid) => "uuid",
        { IsEnum: true } => $"enum:{type.Name}",
        _ => type.Name,
    };
}
