using Xunit.v3;

namespace Wherry;

/// <summary>
/// The test injects these failures of the catalogue (F01 to F104, docs/faults.md). <c>./run test --suite faults</c> runs every test that has
/// it, also those that are too slow for the ordinary run and are therefore marked as explicit.
/// </summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class FaultAttribute(params int[] numbers) : Attribute, ITraitAttribute
{
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() =>
        [new("suite", "faults"), .. numbers.Select(number => new KeyValuePair<string, string>("fault", $"F{number:00}"))];
}
