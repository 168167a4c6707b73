namespace Wherry.Xml;

public sealed partial class DomainDocument
{
    /// <summary>With another action on one occasion.</summary>
    public DomainDocument WithLifecycleAction(LifecycleOccasion occasion, LifecycleAction action) =>
        With(root => root.SetElementValue(LifecycleActions.ElementOf(occasion), LifecycleActions.TextOf(action)));
}
