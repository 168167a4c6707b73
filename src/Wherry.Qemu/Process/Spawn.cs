using System.Collections;
using System.Runtime.InteropServices;
using static Wherry.Qemu.Process.NativeProcess;

namespace Wherry.Qemu.Process;

/// <summary>posix_spawn(3) with what a QEMU needs; see <see cref="ProcessSupervisor"/> for the why of each.</summary>
internal static unsafe class Spawn
{
    /// <summary>Starts the process and returns its pid.</summary>
    /// <exception cref="WherryException">SystemError: the executable could not be run (glibc reports a failed exec here).</exception>
    public static int Run(ProcessStart start)
    {
        var actions = stackalloc byte[OpaqueBytes];
        var attributes = stackalloc byte[OpaqueBytes];
        var signals = stackalloc byte[OpaqueBytes];
        Check(posix_spawn_file_actions_init(actions), start);
        Check(posix_spawnattr_init(attributes), start);
        try
        {
            Check(posix_spawnattr_setflags(attributes, SpawnSetSid | SpawnSetSigMask | SpawnSetSigDef), start);
            _ = sigemptyset(signals);
            Check(posix_spawnattr_setsigmask(attributes, signals), start);
            _ = sigfillset(signals);
            Check(posix_spawnattr_setsigdefault(attributes, signals), start);
            return Run(start, actions, attributes);
        }
        finally
        {
            _ = posix_spawnattr_destroy(attributes);
            _ = posix_spawn_file_actions_destroy(actions);
        }
    }

    private static int Run(ProcessStart start, void* actions, void* attributes)
    {
        using var log = new CString(start.LogPath);
        using var executable = new CString(start.Executable);
        using var argv = new CStringArray([start.Executable, .. start.Arguments]);
        using var envp = new CStringArray(EnvironmentOf(start));
        Check(posix_spawn_file_actions_addopen(actions, 1, log.Pointer, OpenWriteOnly | OpenCreate | OpenAppend, 0x180 /* 0600 */), start);
        Check(posix_spawn_file_actions_adddup2(actions, 1, 2), start);

        var held = new List<SafeHandle>();
        try
        {
            if (start.StandardInput is { } input)
            {
                var added = false;
                input.DangerousAddRef(ref added);
                held.Add(input);
                Check(posix_spawn_file_actions_adddup2(actions, (int)input.DangerousGetHandle(), 0), start);
            }
            else
            {
                fixed (byte* devNull = "/dev/null\0"u8)
                {
                    Check(posix_spawn_file_actions_addopen(actions, 0, devNull, OpenReadOnly, 0), start);
                }
            }

            foreach (var handle in start.InheritedFds)
            {
                var added = false;
                handle.DangerousAddRef(ref added);
                held.Add(handle);

                // Onto itself: glibc then only clears close-on-exec, in the child.
                var fd = (int)handle.DangerousGetHandle();
                Check(posix_spawn_file_actions_adddup2(actions, fd, fd), start);
            }

            MarkAllCloseOnExec();
            int pid;
            Check(posix_spawn(&pid, executable.Pointer, actions, attributes, argv.Pointer, envp.Pointer), start);
            return pid;
        }
        finally
        {
            held.ForEach(handle => handle.DangerousRelease());
        }
    }

    private static IEnumerable<string> EnvironmentOf(ProcessStart start) =>
        start.Environment?.Select(e => $"{e.Key}={e.Value}")
        ?? Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(e => $"{e.Key}={e.Value}");

    private static void Check(int errno, ProcessStart start)
    {
        if (errno != 0)
            throw WherryException.FromErrno(errno, $"Cannot start '{start.Executable}' with log '{start.LogPath}'");
    }

    private readonly struct CString(string text) : IDisposable
    {
        public byte* Pointer { get; } = (byte*)Marshal.StringToCoTaskMemUTF8(text);

        public void Dispose() => Marshal.FreeCoTaskMem((nint)Pointer);
    }

    /// <summary>A zero-terminated array of C strings.</summary>
    private readonly struct CStringArray : IDisposable
    {
        private readonly CString[] _strings;

        public CStringArray(IEnumerable<string> texts)
        {
            _strings = [.. texts.Select(t => new CString(t))];
            Pointer = (byte**)NativeMemory.AllocZeroed((nuint)_strings.Length + 1, (nuint)sizeof(byte*));
            for (var i = 0; i < _strings.Length; i++)
            {
                Pointer[i] = _strings[i].Pointer;
            }
        }

        public byte** Pointer { get; }

        public void Dispose()
        {
            NativeMemory.Free(Pointer);
            foreach (var text in _strings)
                text.Dispose();
        }
    }
}
