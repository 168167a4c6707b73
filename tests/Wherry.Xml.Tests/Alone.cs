namespace Wherry.Xml.Tests;

/// <summary>Tests that measure the memory of the whole process: none may run beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
