#!/usr/bin/env dotnet
#:property PublishAot=false

// Compares our declarations (tests/data/wire-shape.txt) with libvirt's protocol files, of whatever version you have at hand:
//
//   dotnet run eng/compare-wire.cs -- LIBVIRT/src/remote/remote_protocol.x LIBVIRT/src/remote/qemu_protocol.x
//
// Every struct of ours that theirs has too must have the same fields, in name, type, order and limit. Structs that only they have are
// what we do not implement; they are counted. Exit code 1 tells of a difference.

using System.Text.RegularExpressions;

// Named constants of C headers that the protocol files use as limits.
Dictionary<string, string> constants = new(StringComparer.Ordinal)
{
    ["VIR_SECURITY_LABEL_BUFLEN"] = "4097",
    ["VIR_SECURITY_MODEL_BUFLEN"] = "257",
    ["VIR_SECURITY_DOI_BUFLEN"] = "257",
};

if (args.Length == 0)
{
    Console.Error.WriteLine("usage: dotnet run eng/compare-wire.cs -- PROTOCOL.x...");
    return 2;
}

var ours = ReadShape(File.ReadLines("tests/data/wire-shape.txt"));
var theirs = args.SelectMany(path => ReadProtocol(File.ReadAllText(path))).ToLookup(pair => pair.Name, pair => pair.Fields, StringComparer.Ordinal);
var differences = 0;
var same = 0;
foreach (var (name, fields) in ours)
{
    if (!theirs.Contains(name))
        Console.WriteLine($"only ours: {name}");
    else if (theirs[name].First().SequenceEqual(fields))
        same++;
    else
    {
        differences++;
        Console.WriteLine($"{name}\n  ours:   {string.Join("; ", fields)}\n  theirs: {string.Join("; ", theirs[name].First())}");
    }
}

Console.WriteLine($"{same} the same, {differences} different, {theirs.Count(group => !ours.ContainsKey(group.Key))} only theirs");
return differences == 0 ? 0 : 1;

static Dictionary<string, List<string>> ReadShape(IEnumerable<string> lines)
{
    var structs = new Dictionary<string, List<string>>(StringComparer.Ordinal);
    List<string> fields = [];
    foreach (var line in lines)
    {
        if (line.StartsWith(' '))
            fields.Add(Regex.Replace(line.Trim(), @"^enum:\w+", "int")); // the same word on the wire
        else
            structs[line[(line.LastIndexOf('.') + 1)..]] = fields = [];
    }

    return structs;
}

// struct remote_x { type name<LIMIT>; ... };   ->   X, ["type Name<limit>", ...] in the words of wire-shape.txt
IEnumerable<(string Name, List<string> Fields)> ReadProtocol(string text)
{
    text = Regex.Replace(text, @"/\*.*?\*/|^%.*?$", "", RegexOptions.Singleline | RegexOptions.Multiline);
    foreach (Match constant in Regex.Matches(text, @"const (\w+)\s*=\s*(\w+);"))
        constants[constant.Groups[1].Value] = constant.Groups[2].Value;
    foreach (Match declaration in Regex.Matches(text, @"struct (\w+) \{(.*?)\n\};", RegexOptions.Singleline))
    {
        var fields = declaration.Groups[2].Value.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        yield return (TypeName(declaration.Groups[1].Value), [.. fields.Select(Field)]);
    }
}

string Field(string declaration)
{
    var parts = Regex.Match(declaration, @"^(?<type>.+?)\s+(?<name>\w+)(?:(?<open>[<\[])(?<limit>\w+)[>\]])?$", RegexOptions.Singleline);
    var type = Regex.Replace(parts.Groups["type"].Value, @"\s+", " ");
    var bounds = parts.Groups["open"].Value switch
    {
        "<" => $"<{Limit(parts.Groups["limit"].Value)}>",
        "[" => $"[{Limit(parts.Groups["limit"].Value)}]",
        _ => "",
    };
    return $"{Word(type)} {Pascal(Regex.Replace(parts.Groups["name"].Value, "ID$", "Id"))}{bounds}";
}

string Limit(string name)
{
    while (constants.TryGetValue(name, out var value))
        name = value;
    return name;
}

static string Word(string type) => type switch
{
    "unsigned int" => "uint",
    "hyper" or "int64_t" => "hyper",
    "unsigned hyper" => "uhyper",
    "unsigned char" => "uchar",
    "unsigned short" => "ushort",
    "remote_nonnull_string" => "string",
    "remote_string" => "string?",
    "remote_uuid" => "uuid",
    "remote_auth_type" => "int",
    "remote_domain" or "remote_network" or "remote_storage_pool" or "remote_node_device" or "remote_secret" => $"Nonnull{TypeName(type)}?",
    _ when type.StartsWith("remote_", StringComparison.Ordinal) || type.StartsWith("qemu_", StringComparison.Ordinal) => TypeName(type),
    _ => type,
};

static string TypeName(string name) => Regex.Replace(name, "^remote_", "") switch
{
    "typed_param" => "TypedParameter",
    "typed_param_value" => "TypedParameterValue",
    "error" => "RemoteError",
    var rest => Pascal(rest),
};

static string Pascal(string name) => string.Concat(name.Split('_').Select(part => char.ToUpperInvariant(part[0]) + part[1..]));
