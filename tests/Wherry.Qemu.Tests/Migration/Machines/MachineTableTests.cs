using System.Reflection;
using Wherry.Qemu.Migration.Machines;
using Wherry.Testbed;

namespace Wherry.Qemu.Tests.Migration.Machines;

public sealed class MachineTableTests
{
    [Fact]
    public void The_table_in_the_documents_is_that_of_the_machines()
    {
        string path = Path.Join(Repository.Root, "docs/protocol/handover-machines.md");
        string actual = MachineTable.Print();
        if (Environment.GetEnvironmentVariable("UPDATE_SNAPSHOTS") == "1") File.WriteAllText(path, actual);
        Assert.Equal(File.ReadAllText(path), actual);
    }

    [Fact]
    public void Every_source_state_answers_every_input()
    {
        int pairs = 0;
        foreach (var (_, attempt) in Representatives.SourceVariants)
        {
            foreach (var (_, state) in Representatives.Source(attempt))
            {
                foreach (var input in Alphabet.Source(Representatives.Id))
                {
                    Assert.NotNull(SourceMachine.Step(state, input).Next);
                    pairs++;
                }
            }
        }
        Assert.True(pairs > 8000, $"{pairs} pairs");
    }

    [Fact]
    public void Every_destination_state_answers_every_input()
    {
        foreach (var (_, attempt) in Representatives.DestinationVariants)
        {
            foreach (var (_, state) in Representatives.Destination(attempt))
            {
                foreach (var input in Alphabet.Destination(Representatives.Id, attempt.StartPaused))
                    Assert.NotNull(DestinationMachine.Step(state, input).Next);
            }
        }
    }

    [Fact]
    [Fault(12)]
    public void Messages_of_an_earlier_attempt_change_nothing_in_any_state()
    {
        foreach (var (_, attempt) in Representatives.SourceVariants)
        {
            foreach (var (name, state) in Representatives.Source(attempt))
            {
                foreach (var input in Alphabet.Source(Representatives.EarlierId).Where(input =>
                    input is SourceInput.PeerAnswered or SourceInput.PeerSilent or SourceInput.PeerForgot))
                {
                    var step = SourceMachine.Step(state, input);
                    Assert.True(step.Next == state && step.Effects.IsEmpty, $"{name} <- {input}");
                }
            }
        }
        foreach (var (name, state) in Representatives.Destination(Representatives.Incoming))
        {
            foreach (var input in Alphabet.Destination(Representatives.EarlierId, startPaused: false).Where(input =>
                input is DestinationInput.FinishCalled or DestinationInput.ResolveCalled or DestinationInput.ForgetCalled))
            {
                var step = DestinationMachine.Step(state, input);
                Assert.True(step.Next == state && step.Effects.IsEmpty, $"{name} <- {input}");
            }
        }
    }

    [Fact]
    public void The_alphabets_and_the_representatives_leave_no_case_out()
    {
        Assert.Equal(CasesOf<SourceInput>(), NamesOf(Alphabet.Source(Representatives.Id)));
        Assert.Equal(CasesOf<DestinationInput>(), NamesOf(Alphabet.Destination(Representatives.Id, startPaused: false)));
        Assert.Equal(CasesOf<SourceState>(), NamesOf(Representatives.SourceVariants.SelectMany(v => Representatives.Source(v.Attempt)).Select(s => s.State)));
        Assert.Equal(CasesOf<DestinationState>(), NamesOf(Representatives.Destination(Representatives.Incoming).Select(s => s.State)));
    }

    [Fact]
    [Fault(67)]
    public void Only_a_clean_drain_leads_to_the_switchover_when_disks_are_copied()
    {
        foreach (var (name, state) in Representatives.Source(Representatives.PeerToPeer))
        {
            foreach (var input in Alphabet.Source(Representatives.Id))
            {
                var step = SourceMachine.Step(state, input);
                if (step.Effects.Any(effect => effect is SourceEffect.ContinueStream))
                    Assert.True(state is SourceState.Draining && input is SourceInput.MirrorsDrained, $"{name} <- {input}");
            }
        }
    }

    [Fact]
    public void Cont_is_sent_only_by_the_side_that_holds_the_right_to_run()
    {
        foreach (var (_, attempt) in Representatives.SourceVariants)
        {
            foreach (var (name, state) in Representatives.Source(attempt))
            {
                foreach (var input in Alphabet.Source(Representatives.Id))
                {
                    var step = SourceMachine.Step(state, input);
                    if (step.Effects.Any(effect => effect is SourceEffect.Cont)) Assert.True(step.Next is SourceState.Reclaiming, $"{name} <- {input}");
                    if (step.Effects.Any(effect => effect is SourceEffect.KillQemu)) Assert.True(step.Next is SourceState.Released, $"{name} <- {input}");
                }
            }
        }
        foreach (var (_, attempt) in Representatives.DestinationVariants)
        {
            foreach (var (name, state) in Representatives.Destination(attempt))
            {
                foreach (var input in Alphabet.Destination(Representatives.Id, attempt.StartPaused))
                {
                    var step = DestinationMachine.Step(state, input);
                    if (step.Effects.Any(effect => effect is DestinationEffect.Cont or DestinationEffect.ActivateImages))
                        Assert.True(step.Next is DestinationState.Starting { Stage: StartStage.Starting }, $"{name} <- {input}");
                    if (step.Effects.Any(effect => effect is DestinationEffect.KillQemu))
                        Assert.True(step.Next is DestinationState.Aborting, $"{name} <- {input}");
                }
            }
        }
    }

    private static List<string> CasesOf<T>() =>
        [.. typeof(T).GetNestedTypes(BindingFlags.Public).Where(typeof(T).IsAssignableFrom).Select(type => type.Name).Order(StringComparer.Ordinal)];

    private static List<string> NamesOf<T>(IEnumerable<T> items)
        where T : notnull => [.. items.Select(item => item.GetType().Name).Distinct().Order(StringComparer.Ordinal)];
}
