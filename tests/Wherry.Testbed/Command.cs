using System.Diagnostics;

namespace Wherry.Testbed;

/// <summary>Where a program is found: the PATH of this process, and the administrator's directories that a plain user's PATH may lack.</summary>
public static class Executables
{
    public static string? Find(string name) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Concat(["/usr/sbin", "/sbin"])
            .Where(directory => directory.Length > 0)
            .Select(directory => Path.Combine(directory, name))
            .FirstOrDefault(File.Exists);
}

/// <summary>What one run of a program left: exit code, its output, and how long it took.</summary>
public sealed record CommandResult(string CommandLine, int ExitCode, string Output, string Error, TimeSpan Elapsed)
{
    public bool Succeeded => ExitCode == 0;

    public override string ToString() => $"`{CommandLine}` ended with {ExitCode} after {Elapsed.TotalSeconds:0.00} s\n{Output}{Error}";
}

public sealed class CommandFailedException(CommandResult result) : Exception(result.ToString())
{
    public CommandResult Result { get; } = result;
}

/// <summary>Runs a program to its end and keeps what it printed. Whatever hangs is killed at the limit, and says so.</summary>
public static class Command
{
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(2);

    public static async Task<CommandResult> RunAsync(
        IReadOnlyList<string> command, TimeSpan? limit = null, Action<string>? onOutput = null, string? input = null, CancellationToken ct = default)
    {
        var name = string.Join(' ', command);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(ct);
        timeout.CancelAfter(limit ?? DefaultLimit);
        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = ReadAsync(process.StandardOutput, onOutput);
        var error = ReadAsync(process.StandardError, onOutput);
        if (input is not null)
            await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        try
        {
            await process.WaitForExitAsync(timeout.Token);
        }
        catch (OperationCanceledException e)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            ct.ThrowIfCancellationRequested();
            throw new TimeoutException($"`{name}` did not end within {(limit ?? DefaultLimit).TotalSeconds} s\n{await output}{await error}", e);
        }

        return new CommandResult(name, process.ExitCode, await output, await error, Stopwatch.GetElapsedTime(started));
    }

    /// <summary>The result, or <see cref="CommandFailedException"/> with all that the program printed.</summary>
    public static async Task<CommandResult> Checked(this Task<CommandResult> run)
    {
        var result = await run;
        return result.Succeeded ? result : throw new CommandFailedException(result);
    }

    // In pieces as they come, not in lines: progress is drawn with carriage returns.
    private static async Task<string> ReadAsync(StreamReader reader, Action<string>? onOutput)
    {
        var text = new System.Text.StringBuilder();
        var buffer = new char[4096];
        int count;
        while ((count = await reader.ReadAsync(buffer)) > 0)
        {
            text.Append(buffer, 0, count);
            onOutput?.Invoke(new string(buffer, 0, count));
        }

        return text.ToString();
    }
}
