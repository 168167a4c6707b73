using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Wherry.Xml;

/// <summary>
/// A domain's XML as clients see it: an element tree that keeps what we do not interpret (metadata above all). Frozen once
/// published: whoever changes one works on a copy.
/// </summary>
public sealed partial class DomainDocument
{
    /// <summary>libxml2 refuses text nodes above 10 MB; we refuse documents. A real one has about 10 KB.</summary>
    public const int MaxCharacters = 10 * 1024 * 1024;

    /// <summary>libxml2's own limit of nesting.</summary>
    public const int MaxDepth = 256;

    private static readonly XmlWriterSettings PackedSettings = new()
    {
        OmitXmlDeclaration = true,
        Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
        NewLineHandling = NewLineHandling.Entitize,
    };

    private static readonly XmlReaderSettings UnpackedSettings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreProcessingInstructions = true,
    };

    private XElement? _root; // null once packed
    private byte[] _packed = [];
    private WeakReference<XElement>? _unpacked;

    internal DomainDocument(XElement root) => _root = root;

    internal XElement Root => Volatile.Read(ref _root) ?? Unpack();

    /// <summary>The emulator that the document asks for, also before completion; null for the default one.</summary>
    public string? Emulator => Root.Element("devices")?.Text("emulator");

    /// <summary>For a running domain, the definition it was started with; null for a definition.</summary>
    internal DomainDocument? Definition { get; init; }

    /// <summary>For a running domain, what of it a migration's destination is told; null for a definition.</summary>
    internal XElement? Travelling { get; init; }

    /// <summary>Reads text that is trusted only to be text: no DTD (so no entities and no external files), bounded size and depth.</summary>
    /// <exception cref="DomainXmlException">Not well-formed, beyond a limit, or the root is not <c>domain</c>.</exception>
    public static DomainDocument Parse(string xml) => new(Read(xml, "domain"));

    /// <summary>As <see cref="Parse"/> and <see cref="Pack"/>, but the text that is kept is <paramref name="xml"/> itself.</summary>
    public static DomainDocument ParsePacked(string xml)
    {
        var document = Parse(xml);
        if (xml.StartsWith("<?", StringComparison.Ordinal)) // it may declare another encoding than the one that it is kept in
            document.Pack();
        else
            document.Keep(Encoding.UTF8.GetBytes(xml));
        return document;
    }

    /// <summary>
    /// Keeps the text instead of the tree, which takes ten times its room: for definitions, of which a host may have thousands and somebody
    /// asks for one now and then. The tree comes back with the next question and stays as long as the garbage collector lets it.
    /// </summary>
    public void Pack()
    {
        if (Volatile.Read(ref _root) is not { } root)
            return;

        using var bytes = new MemoryStream();
        using (var writer = XmlWriter.Create(bytes, PackedSettings))
            root.WriteTo(writer);
        Keep(bytes.ToArray());
    }

    private void Keep(byte[] text)
    {
        _packed = text;
        _unpacked = new WeakReference<XElement>(Root);
        Volatile.Write(ref _root, null);
    }

    private XElement Unpack()
    {
        if (_unpacked!.TryGetTarget(out var tree)) // set before the root went
            return tree;

        using var reader = XmlReader.Create(new MemoryStream(_packed), UnpackedSettings);
        tree = XElement.Load(reader, LoadOptions.PreserveWhitespace);
        _unpacked.SetTarget(tree);
        return tree;
    }

    private static XElement Read(string xml, string rootName)
    {
        var root = ReadAny(xml, "domain_definition");
        return root.Name == rootName
            ? root
            : throw DomainXmlException.WrongRoot(rootName, root.Name.LocalName);
    }

    /// <param name="what">libvirt's name for the text, which its complaints begin with.</param>
    internal static XElement ReadAny(string xml, string what)
    {
        ArgumentNullException.ThrowIfNull(xml);
        if (xml.Length > MaxCharacters)
            throw DomainXmlException.NotWellFormed($"({what}): document of {xml.Length} characters exceeds {MaxCharacters}");
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = MaxCharacters,
            IgnoreProcessingInstructions = true,
        };
        try
        {
            if (xml.AsSpan().Count('<') > 2 * MaxDepth) // each level takes two
                CheckDepth(xml, settings, what);
            using var reader = XmlReader.Create(new StringReader(xml), settings);
            var root = XDocument.Load(reader, LoadOptions.PreserveWhitespace).Root!;
            root.Remove();
            return root;
        }
        catch (XmlException e)
        {
            // What our reader alone minds (a prefix that is not declared, a document type) keeps its own words.
            throw DomainXmlException.NotWellFormed($"({what}):{MalformedXml.Describe(xml) ?? $"{e.LineNumber}: {e.Message}"}", e);
        }
    }

    // Before the tree is built: XElement's own methods recurse, so a deep tree would end the process, not the call.
    private static void CheckDepth(string xml, XmlReaderSettings settings, string what)
    {
        using var reader = XmlReader.Create(new StringReader(xml), settings);
        while (reader.Read())
        {
            if (reader.Depth > MaxDepth)
                throw DomainXmlException.NotWellFormed($"({what}): elements nested deeper than {MaxDepth}");
        }
    }
}
