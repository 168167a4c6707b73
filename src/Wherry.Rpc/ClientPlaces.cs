namespace Wherry.Rpc;

/// <summary>How many clients may be connected at a time, a limit that can be changed while they are. Whoever finds no place waits for one.</summary>
internal sealed class ClientPlaces(int limit)
{
    private readonly Lock _lock = new();
    private int _limit = limit;
    private int _taken;
    private TaskCompletionSource? _changed;

    public int Taken
    {
        get
        {
            lock (_lock) return _taken;
        }
    }

    /// <summary>A lower limit disturbs nobody who has a place; new clients wait until enough have left.</summary>
    public int Limit
    {
        get
        {
            lock (_lock) return _limit;
        }

        set
        {
            lock (_lock)
            {
                _limit = value;
                Changed();
            }
        }
    }

    public bool TryTake()
    {
        lock (_lock)
        {
            if (_taken >= _limit) return false;
            _taken++;
            return true;
        }
    }

    /// <summary>Waits until there is a place, and takes it. Only listeners wait here, each for one client, so all may look at each change.</summary>
    public async ValueTask TakeAsync(CancellationToken ct)
    {
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (_taken < _limit)
                {
                    _taken++;
                    return;
                }

                changed = (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await changed.WaitAsync(ct).ConfigureAwait(false);
        }
    }

    public void Release()
    {
        lock (_lock)
        {
            _taken--;
            Changed();
        }
    }

    private void Changed()
    {
        _changed?.TrySetResult();
        _changed = null;
    }
}
