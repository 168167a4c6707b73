using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Wherry.Qmp;

/// <summary>
/// A command and the type of its answer. A subclass's public properties are the arguments; optional ones are null when not sent.
/// </summary>
/// <remarks>The members here are internal, so that the serializer sees the arguments only.</remarks>
public abstract record QmpCommand<TResult>
{
    /// <param name="name">QEMU's name of the command.</param>
    /// <param name="result">How the answer is read.</param>
    /// <param name="arguments">How <see cref="ArgumentsObject"/> is written; null for a command without arguments.</param>
    protected QmpCommand(string name, JsonTypeInfo<TResult> result, JsonTypeInfo? arguments = null)
    {
        CommandName = name;
        Result = result;
        Arguments = arguments;
    }

    internal string CommandName { get; }

    internal JsonTypeInfo<TResult> Result { get; }

    internal JsonTypeInfo? Arguments { get; }

    /// <summary>What is written as <c>"arguments"</c>: the command itself, unless the arguments are a record with a life of its own.</summary>
    internal virtual object ArgumentsObject => this;

    internal void WriteArguments(Utf8JsonWriter writer)
    {
        if (Arguments is not null)
        {
            writer.WritePropertyName("arguments"u8);
            JsonSerializer.Serialize(writer, ArgumentsObject, Arguments);
        }
    }
}

/// <summary>The answer of a command that answers nothing: QEMU sends <c>{}</c>.</summary>
public sealed record QmpEmpty;

/// <summary>An answer with its place in the order of arrival; see <see cref="QmpEvent.Sequence"/>.</summary>
public readonly record struct QmpReply<T>(T Value, long Sequence);
