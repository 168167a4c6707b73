using System.Diagnostics;
using Wherry.Testbed.Guest;
using Wherry.Testbed.Hosts;
using Wherry.Wire.Remote;

namespace Wherry.Testbed.Judges;

/// <summary>
/// J8, others: a second guest at alpha that nobody migrates, and a client on a thread of its own that asks the daemon about it all the time.
/// Whatever happens to the first guest, it is answered.
/// </summary>
internal sealed class Bystander : IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Promise = TimeSpan.FromMilliseconds(50);

    private readonly Func<DaemonRunner> _daemon;
    private readonly Thread _asking;
    private readonly Lock _lock = new();
    private List<TimeSpan> _answers = [];
    private List<TimeSpan> _late = [];
    private readonly CancellationTokenSource _ending = new();

    private Bystander(Func<DaemonRunner> daemon)
    {
        _daemon = daemon;
        _asking = new Thread(Ask) { IsBackground = true, Name = Name };
        _asking.Start();
    }

    public const string Name = "bystander";

    public static async Task<Bystander> StartAsync(DaemonRunner daemon)
    {
        await daemon.Virsh.RunWithXmlAsync("create", new FirmwareDomain(Name).Xml).Checked();
        return new Bystander(() => daemon);
    }

    /// <summary>
    /// The answers since the last verdict; nothing to say while a daemon that a test ended was away. On a crowded machine nobody is served at
    /// once: by how much this thread itself wakes late is no fault of the daemon's.
    /// </summary>
    public IEnumerable<string> Judge()
    {
        List<TimeSpan> answers, late;
        lock (_lock)
            (answers, _answers, late, _late) = (_answers, [], _late, []);
        if (answers.Count > 0 && NinetyNine(answers) is var slow && NinetyNine(late) is var machine && slow > Promise + machine)
            yield return $"of {answers.Count} questions about a bystander, one in a hundred took more than {slow.TotalMilliseconds:0} ms, of which {machine.TotalMilliseconds:0} ms are the machine's";
    }

    public void Dispose()
    {
        _ending.Cancel();
        _asking.Join();
        _ending.Dispose();
    }

    private static TimeSpan NinetyNine(List<TimeSpan> times)
    {
        times.Sort();
        return times.Count == 0 ? TimeSpan.Zero : times[(int)((times.Count - 1) * 0.99)];
    }

    private void Ask()
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                using var client = new PlainClient(_daemon(), TimeSpan.FromSeconds(2));
                var domain = client.Find(Name);
                while (!_ending.IsCancellationRequested)
                {
                    var began = Stopwatch.GetTimestamp();
                    client.Call<DomainGetStateArgs, DomainGetStateRet>(RemoteProcedure.DomainGetState, new DomainGetStateArgs(domain, Flags: 0));
                    var answered = Stopwatch.GetTimestamp();
                    _ending.Token.WaitHandle.WaitOne(Pace);
                    var late = Stopwatch.GetElapsedTime(answered) - Pace;
                    lock (_lock)
                    {
                        _answers.Add(Stopwatch.GetElapsedTime(began, answered));
                        _late.Add(late);
                    }
                }
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
            {
                _ending.Token.WaitHandle.WaitOne(Pace); // The daemon is down, as a test may have wanted.
            }
        }
    }
}
