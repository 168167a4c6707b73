using System.Collections.Immutable;
using Wherry.Errors;
using Wherry.Wire.Remote;

namespace Wherry.Daemon.Handlers;

/// <summary>Which named values a call takes, each once and of one type.</summary>
internal static class TypedParameterRules
{
    /// <exception cref="WherryException">
    /// The first, by name, that is wrong. InvalidArg: given twice, or of another type. ArgumentUnsupported: not one of these.
    /// </exception>
    public static void Check(ImmutableArray<TypedParameter> given, IReadOnlyDictionary<string, TypedParameterType> known)
    {
        string? last = null;
        foreach (var (field, value) in given.OrderBy(parameter => parameter.Field, StringComparer.Ordinal))
        {
            if (!known.TryGetValue(field, out var type))
                throw new WherryException(ErrorCode.ArgumentUnsupported, $"parameter '{field}' not supported", ErrorDomain.None);
            if (field == last)
                throw new WherryException(ErrorCode.InvalidArg, $"parameter '{field}' occurs multiple times", ErrorDomain.None);
            if (value.Type != type)
                throw new WherryException(
                    ErrorCode.InvalidArg,
                    $"invalid type '{Name(value.Type)}' for parameter '{field}', expected '{Name(type)}'",
                    ErrorDomain.None);
            last = field;
        }
    }

    private static string Name(TypedParameterType type) => type.ToString().ToLowerInvariant();
}
