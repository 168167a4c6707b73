namespace Wherry.Qemu.Tests.Migration.Explorer;

/// <summary>Whether a transition may be counted on to happen in the end.</summary>
internal enum Luck
{
    /// <summary>It happens if nothing else does: a message is delivered, a daemon restarts, a timer fires, an effect is executed.</summary>
    Fair,

    /// <summary>A fault or a whim: crash, kill, cut link, failing disk, a user's call. Nothing may depend on it.</summary>
    Fault,
}

/// <summary>An invariant that one transition broke.</summary>
internal sealed record Violation(string Invariant, string Meaning);

/// <summary>Where the model puts what can happen next. Words are kept apart and only joined when a trail is printed.</summary>
internal abstract class Successors(Scenario scenario)
{
    public Violation? Broken { get; private set; }

    protected Scenario Scenario { get; } = scenario;

    public abstract void Add(in World next, Luck luck, string what, object? about = null);

    public void Break(string invariant, string meaning)
    {
        if (Scenario.LooksFor(invariant)) Broken ??= new(invariant, meaning);
    }
}
