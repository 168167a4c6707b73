using System.Threading.Channels;
using Wherry.Qemu.Statistics;
using Wherry.Qmp;
using Wherry.Testing;

namespace Wherry.Qemu.Tests.Statistics;

/// <summary>A reader of figures never waits for a QEMU that hangs, and is told how old the figures are.</summary>
public sealed class RememberedAnswerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _time = new();
    private readonly RememberedAnswer<string> _answer;
    private readonly Channel<Task<string>> _asked = Channel.CreateUnbounded<Task<string>>();

    public RememberedAnswerTests() => _answer = new RememberedAnswer<string>(_time);

    [Fact]
    public async Task An_answer_in_time_is_fresh()
    {
        Assert.Equal(new Answer<string>("42", null), await AskAsync(Task.FromResult("42")));
        Assert.Equal(new Answer<string>("43", null), await AskAsync(Task.FromResult("43")));
    }

    [Fact]
    public async Task After_the_patience_the_last_answer_comes_with_its_age()
    {
        await AskAsync(Task.FromResult("42"));
        _time.Advance(TimeSpan.FromSeconds(10));
        var asking = AskAsync(Never());
        await _time.WaitForTimerAsync(Patience);
        _time.Advance(Patience);
        Assert.Equal(new Answer<string>("42", TimeSpan.FromSeconds(11)), await asking);
    }

    [Fact]
    public async Task A_second_caller_does_not_wait_for_an_overdue_answer_and_does_not_ask_again()
    {
        var asking = AskAsync(Never());
        await _time.WaitForTimerAsync(Patience);
        _time.Advance(Patience);
        await asking;
        var second = await AskAsync(Task.FromResult("not asked")).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(new Answer<string>(null, Patience), second);
        await _asked.Reader.ReadAsync(TestContext.Current.CancellationToken);
        Assert.False(_asked.Reader.TryRead(out _), "asked twice");
    }

    [Fact]
    public async Task After_a_missed_deadline_QEMU_is_asked_again_but_not_waited_for_until_it_answers()
    {
        await AskAsync(Task.FromResult("42"));
        var unanswered = await AskAsync(Task.FromException<string>(new QmpTimeoutException("query-blockstats", Patience, wasSent: true, owed: null)));
        Assert.Equal(new Answer<string>("42", TimeSpan.Zero), unanswered);
        var late = new TaskCompletionSource<string>();
        var meanwhile = await AskAsync(late.Task).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal("42", meanwhile.Value);
        Assert.NotNull(meanwhile.Age);

        late.SetResult("43");
        while ((await AskAsync(Task.FromResult("44"))).Age is not null)
        {
            // The late answer is on its way, and is not waited for: it may be the one that ends this, or the one to a question asked since.
        }
        Assert.Equal(new Answer<string>("45", null), await AskAsync(Task.FromResult("45")));
    }

    [Fact]
    public async Task What_QEMU_refuses_to_tell_is_absent_not_stale()
    {
        await AskAsync(Task.FromResult("42"));
        Assert.Equal(
            new Answer<string>(null, null), await AskAsync(Task.FromException<string>(new QmpErrorException("query-balloon", "DeviceNotActive", "no balloon"))));
    }

    private Task<Answer<string>> AskAsync(Task<string> reply) => _answer.AskAsync(
        () =>
        {
            Assert.True(_asked.Writer.TryWrite(reply));
            return reply;
        },
        Patience,
        TestContext.Current.CancellationToken);

    private static Task<string> Never() => new TaskCompletionSource<string>().Task;
}
