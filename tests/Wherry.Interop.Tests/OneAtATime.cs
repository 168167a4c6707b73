// What only asks and compares goes on beside one other test of its kind.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace Wherry.Interop.Tests;

/// <summary>Guests of these move, or are looked at with a clock in hand, under TCG: two at once would measure each other.</summary>
[CollectionDefinition(nameof(OneAtATime), DisableParallelization = true)]
public sealed class OneAtATime;
