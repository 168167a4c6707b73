namespace Wherry.Qemu.Consoles;

/// <summary>Who holds which serial port or console of one running domain: one client at a time each.</summary>
public sealed class OpenConsoles
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ConsoleStream> _held = new(StringComparer.Ordinal); // under _gate

    /// <param name="path">The pseudo-terminal.</param>
    /// <param name="force">Takes it from whoever holds it.</param>
    /// <exception cref="WherryException">OperationFailed: somebody holds it.</exception>
    internal ConsoleStream Open(string path, bool force, TerminalWatcher watcher)
    {
        lock (_gate)
        {
            if (_held.TryGetValue(path, out var holder) && !force)
                throw new WherryException(ErrorCode.OperationFailed, "Active console session exists for this domain");
            holder?.Evict();
            return _held[path] = ConsoleStream.Open(path, watcher, gone => Release(path, gone));
        }
    }

    private void Release(string path, ConsoleStream gone)
    {
        lock (_gate)
        {
            if (_held.GetValueOrDefault(path) == gone)
                _held.Remove(path);
        }
    }
}
