using System.Collections.Immutable;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>What becomes of an element or attribute that libvirt knows.</summary>
internal enum Verdict
{
    /// <summary>Read, and acted upon.</summary>
    Understood,

    /// <summary>Kept and shown, without effect on the guest's hardware: metadata, titles, host-side tuning.</summary>
    Inert,

    /// <summary>It would change the guest and nothing here can bring that about: the whole document is refused, naming the path.</summary>
    Refused,
}

/// <summary>An attribute's place in the output order, its form, and its verdict.</summary>
internal sealed record AttributeShape(string Name, ValueRule Rule)
{
    public Verdict Verdict { get; init; }

    /// <summary>Values that libvirt knows and we do not bring about.</summary>
    public ImmutableArray<string> RefusedValues { get; init; } = [];

    /// <summary>libvirt's own words for a value that is none, with {0} for it; null for its usual ones.</summary>
    public string? Complaint { get; init; }

    /// <summary>An empty value says something else than a missing one.</summary>
    public bool KeepsEmpty { get; init; }

    /// <summary>What libvirt writes when the attribute is missing.</summary>
    public string? Default { get; init; }

    public static implicit operator AttributeShape(string name) => new(name, Values.Any);

    public AttributeShape ButNot(params string[] values) => this with { RefusedValues = [.. values] };

    public AttributeShape OrSay(string complaint) => this with { Complaint = complaint };

    public AttributeShape Or(string value) => this with { Default = value };
}

/// <summary>
/// One element of libvirt's domain XML: which attributes and children it may have, in the order in which libvirt writes them.
/// What is not listed does not exist for libvirt 9.0, which skips it silently; so do we.
/// </summary>
internal sealed record ElementShape(string Name)
{
    public Verdict Verdict { get; init; }

    public ImmutableArray<AttributeShape> Attributes { get; init; } = [];

    public ImmutableArray<ElementShape> Children { get; init; } = [];

    /// <summary>The element's text; null where it has none.</summary>
    public ValueRule? TextRule { get; init; }

    /// <summary>false: libvirt reads the first of that name and skips the others.</summary>
    public bool Repeats { get; init; }

    /// <summary>An element without attributes, children or text is dropped.</summary>
    public bool DropWhenEmpty { get; init; }

    /// <summary>Copied as it is, foreign namespaces, comments and all.</summary>
    public bool Verbatim { get; init; }

    /// <summary>Replaces all other rules where an element's form depends on its own values. Null drops the element.</summary>
    public Func<XElement, XElement?>? Custom { get; init; }

    public ElementShape With(params ReadOnlySpan<AttributeShape> attributes) => this with { Attributes = [.. attributes] };

    public ElementShape Holding(params ReadOnlySpan<ElementShape> children) => this with { Children = [.. children] };

    public ElementShape Many() => this with { Repeats = true };

    public ElementShape Kept() => this with { Verdict = Verdict.Inert };
}
