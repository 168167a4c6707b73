using System.Text;
using System.Text.RegularExpressions;
using Wherry.Qemu.Migration.Machines;

namespace Wherry.Qemu.Tests.Migration.Machines;

/// <summary>Prints the transition tables of docs/protocol/handover-machines.md from the machines themselves.</summary>
internal static partial class MachineTable
{
    private const string Heading = """
        # The hand-over machines

        Made by a test from `SourceMachine.Step` and `DestinationMachine.Step` (rewrite it with `UPDATE_SNAPSHOTS=1 ./run test Qemu`); do not edit. The states are those of
        `src/Wherry.Qemu/Migration/Machines`, whose head comments draw them. Each state lists the inputs that do something, with the state that follows (none
        named: it stays) and the effects in order. Every other input is answered by staying, for one of these reasons:

        * *late*: the result of an effect that something else overtook, a duplicate, an answer about an earlier attempt;
        * *timer*: it fired while it was being disarmed;
        * *no say*: links, clients, operators and users that this state does not listen to.

        Durable writes are `Persist` and `EraseRecord`; a crash may fall before and after each of them.

        """;

    public static string Print()
    {
        var text = new StringBuilder(Heading);
        Machine(
            text,
            "Source",
            [.. Representatives.SourceVariants.Select(variant => (variant.Name, Representatives.Source(variant.Attempt)))],
            [.. Alphabet.Source(Representatives.Id)],
            (state, input) =>
            {
                var step = SourceMachine.Step(state, input);
                return Describe(state, step.Next, step.Effects.Select(Short));
            });
        Machine(
            text,
            "Destination",
            [.. Representatives.DestinationVariants.Select(variant => (variant.Name, Representatives.Destination(variant.Attempt)))],
            [.. Alphabet.Destination(Representatives.Id, startPaused: false)],
            (state, input) =>
            {
                var step = DestinationMachine.Step(state, input);
                return Describe(state, step.Next, step.Effects.Select(Short));
            });
        return text.ToString();
    }

    /// <summary>The first variant in full; of the others only the lines that differ from those before.</summary>
    private static void Machine<TState, TInput>(
        StringBuilder text,
        string name,
        List<(string Name, IEnumerable<(string Name, TState State)> States)> variants,
        List<TInput> inputs,
        Func<TState, TInput, string> answer)
        where TInput : notnull
    {
        var printed = new HashSet<string>();
        foreach (var (variant, states) in variants)
        {
            text.Append($"\n## {name}: {variant}\n");
            foreach (var (stateName, state) in states)
            {
                bool isNew = printed.Add(stateName);
                var rows = inputs.Select(input => (Input: Short(input), Answer: answer(state, input)))
                    .Where(row => printed.Add($"{stateName}|{row.Input}|{row.Answer}"))
                    .ToList();
                if (rows.Count == 0) continue;
                text.Append($"\n### {stateName}{(isNew ? "" : ", where it differs")}\n\n| inputs | next state | effects |\n|---|---|---|\n");
                foreach (var group in rows.Where(row => row.Answer.Length > 0).GroupBy(row => row.Answer, row => row.Input))
                    text.Append($"| {Join(group, rows)} | {group.Key} |\n");
                text.Append('\n');
                foreach (var group in rows.Where(row => row.Answer.Length == 0).GroupBy(row => Reason(row.Input), row => row.Input))
                    text.Append($"* {group.Key}: {Join(group, rows)}\n");
            }
        }
    }

    /// <summary>"Kind" if every value of that kind has the same answer, else "Kind(value)".</summary>
    private static string Join(IEnumerable<string> inputs, List<(string Input, string Answer)> all) => string.Join(", ", inputs
        .GroupBy(input => input.Split('(')[0])
        .SelectMany(kind => kind.Count() > 1 && kind.Count() == all.Count(row => row.Input.Split('(')[0] == kind.Key) ? [kind.Key] : kind.AsEnumerable()));

    private static string Reason(string input) => input.Split('(')[0] switch
    {
        "TimerExpired" => "timer",
        "LinkLost" or "LinkRestored" or "ClientGone" or "ConfirmCalled" or "PeerFenced" or "SourceFenced" or "UserCalled" or "ForgetCalled" => "no say",
        _ => "late",
    };

    private static string Describe<TState>(TState before, TState after, IEnumerable<string> effects)
        where TState : notnull
    {
        string list = string.Join(", ", effects.Where(effect => !effect.StartsWith("DisarmTimer", StringComparison.Ordinal)));
        bool stays = after.Equals(before);
        if (stays && list.Length == 0) return "";
        return $"{(stays ? "" : StateName(after))} | {list}";
    }

    private static string StateName(object state) => state switch
    {
        SourceState.Switching { Cancelling: true } => "Switching, cancelling",
        SourceState.Handed s => $"Handed, {s.Wait}{(s.CopyLost ? ", copy lost" : "")}{(s.Attempt.Withdraws ? ", withdrawing" : "")}",
        SourceState.PostCopy s => $"PostCopy, {s.Stage}",
        SourceState.Reclaiming s => $"Reclaiming, {s.Stage}",
        SourceState.Released s => $"Released, {s.Stage}{(s.Lost is null ? "" : ", lost")}",
        SourceState.Closed s => $"Closed({s.Outcome.GetType().Name})",
        DestinationState.Committing s => $"Committing, {s.Stage}{(s.QemuDied ? ", QEMU died" : "")}",
        DestinationState.Starting s => $"Starting, {s.Stage}{(s.Crashed ? ", crashed" : "")}",
        DestinationState.Running s => $"Running{(s.Attempt.LacksMemory ? ", lacks memory" : "")}{(s.Crashed ? ", crashed" : "")}",
        DestinationState.Aborting s => $"Aborting, {s.Stage}",
        _ => state.GetType().Name,
    };

    /// <summary>A record as Name(the values that matter).</summary>
    private static string Short(object item) => item switch
    {
        SourceEffect.Persist effect => $"**Persist({effect.Record.Phase})**",
        DestinationEffect.Persist effect => $"**Persist({effect.Record.Phase}{(effect.Record.Crashed ? ", crashed" : "")})**",
        DestinationEffect.EraseRecord => "**EraseRecord**",
        SourceEffect.ArmTimer effect => $"ArmTimer({effect.Timer}, {effect.After.TotalSeconds:0.###} s)",
        DestinationEffect.ArmTimer effect => $"ArmTimer({effect.Timer}, {effect.After.TotalSeconds:0.###} s)",
        SourceEffect.ShowPostCopy effect => effect.Broken ? "ShowPostCopy(broken)" : "ShowPostCopy",
        DestinationEffect.ShowPostCopy effect => effect.Broken ? "ShowPostCopy(broken)" : "ShowPostCopy",
        DestinationEffect.RefuseRecovery effect => effect.GuestIsGone ? "RefuseRecovery(gone)" : "RefuseRecovery",
        SourceInput.RecoveryFailed input => input.GuestIsGone ? "RecoveryFailed(gone)" : "RecoveryFailed",
        DestinationInput.GuestLoaded input => input.LacksMemory ? "GuestLoaded(lacks memory)" : "GuestLoaded",
        SourceEffect.Tell effect => $"Tell({effect.Outcome.GetType().Name})",
        SourceEffect.RaiseAlarm or DestinationEffect.RaiseAlarm => "RaiseAlarm",
        SourceEffect.Refuse effect => $"Refuse({effect.Call})",
        DestinationEffect.Refuse effect => $"Refuse({effect.Call})",
        SourceEffect.AskPeer { Withdraws: true } => "AskPeer(withdraw)",
        SourceEffect.AskPeer => "AskPeer",
        DestinationEffect.AnswerFinish effect => $"AnswerFinish({effect.Answer})",
        DestinationEffect.AnswerPrepare effect => effect.Error is null ? "AnswerPrepare" : "AnswerPrepare(error)",
        SourceInput.JournalWriteFailed input => $"JournalWriteFailed({input.Phase}, {(input.OldRecordStands ? "old stands" : "unknown")})",
        DestinationInput.JournalWriteFailed input => $"JournalWriteFailed({input.Phase}, {(input.OldRecordStands ? "old stands" : "unknown")})",
        SourceInput.PeerAnswered input => $"PeerAnswered({input.Answer})",
        SourceInput.ConfirmCalled input => $"ConfirmCalled(cancelled={(input.Cancelled ? 1 : 0)})",
        DestinationInput.FinishCalled input => $"FinishCalled(cancelled={(input.Cancelled ? 1 : 0)})",
        DestinationEffect.AdoptGuest effect => effect.Crashed ? "AdoptGuest(crashed)" : "AdoptGuest",
        _ => EnumValue().Match(item.ToString()!) is { Success: true } value ? $"{item.GetType().Name}({value.Groups[1].Value})" : item.GetType().Name,
    };

    [GeneratedRegex(@" \{ (?:Peer|Status|Sighting|Sight|Call|Phase|Timer|Answer) = (\w+)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex EnumValue();
}
