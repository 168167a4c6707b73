// Every test here has real guests under TCG; two at once would measure each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
