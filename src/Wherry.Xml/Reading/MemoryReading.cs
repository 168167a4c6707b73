using System.Globalization;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>Sizes with a <c>unit</c> attribute, and what is behind a guest's memory.</summary>
internal static class MemoryReading
{
    /// <summary>Null when the element is absent or empty. Without a unit the number counts KiB.</summary>
    /// <param name="path">How libvirt calls it in its complaints; null for its place in a domain.</param>
    public static ByteSize? Size(XElement? element, string? path = null)
    {
        if (element is null)
            return null;
        var text = element.Value.Trim();
        if (!ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            throw DomainXmlException.Invalid($"Invalid value '{element.Value}' for element or attribute '{path ?? $"./{element.Name.LocalName}[1]"}'", element);
        return Scale(number, element.Get("unit") ?? "KiB", element);
    }

    public static MemoryBackingSpec Backing(XElement? backing) => backing is null
        ? new MemoryBackingSpec()
        : new MemoryBackingSpec
        {
            NoSharePages = backing.Element("nosharepages") is not null,
            Locked = backing.Element("locked") is not null,
            Source = backing.Get("source", "type") is "memfd" ? "memfd" : null,
            IsShared = backing.Get("access", "mode") is { } mode ? mode == "shared" : null,
            IsImmediate = backing.Get("allocation", "mode") == "immediate",
            AllocationThreads = backing.Element("allocation").Number("threads"),
        };

    /// <summary>
    /// Units are case-insensitive; one letter or letter+iB is binary, letter+B decimal, "b" and "bytes" are bytes.
    /// </summary>
    public static ByteSize Scale(ulong number, string unit, XElement at)
    {
        try
        {
            return new ByteSize(checked(number * Factor(unit)));
        }
        catch (OverflowException)
        {
            throw DomainXmlException.Overflow($"value too large: {number}{unit}", at);
        }

        ulong Factor(string text)
        {
            var lower = text.ToLowerInvariant();
            if (lower is "b" or "byte" or "bytes")
                return 1;
            var power = lower.Length == 0 ? 0 : "kmgtpe".IndexOf(lower[0], StringComparison.Ordinal) + 1;
            ulong multiple = lower[Math.Min(1, lower.Length)..] switch
            {
                "" or "ib" => 1024,
                "b" => 1000,
                _ => 0,
            };
            if (power == 0 || multiple == 0)
                throw DomainXmlException.InvalidArgument($"unknown suffix '{text}'", at);
            var factor = 1UL;
            for (var i = 0; i < power; i++)
                factor = checked(factor * multiple);
            return factor;
        }
    }
}
