using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Net;
using Wherry.Errors;
using Wherry.Qemu.Host;
using Wherry.Rpc.Transports.Tls;

namespace Wherry.Daemon.Configuration;

/// <summary>wherryd's options, and how they, the configuration files and the defaults become <see cref="DaemonOptions"/>.</summary>
/// <remarks>Order: command line, then libvirtd.conf and qemu.conf, then defaults.</remarks>
internal sealed class DaemonCommandLine
{
    private readonly Option<bool> _session = new("--session") { Description = "Serve qemu:///session; default when not root and no --state-dir is given" };
    private readonly Option<string?> _config = new("--config", "-f") { Description = "Daemon configuration, libvirtd.conf's syntax (default: CONFIG-DIR/wherryd.conf)" };
    private readonly Option<string?> _qemuConfig = new("--qemu-config") { Description = "QEMU configuration, qemu.conf's syntax (default: CONFIG-DIR/qemu.conf)" };
    private readonly Option<string?> _configDirectory = new("--config-dir") { Description = "Definitions and configuration files" };
    private readonly Option<string?> _stateDirectory = new("--state-dir") { Description = "What survives a reboot: host uuid, hand-over records, domain directories" };
    private readonly Option<string?> _runtimeDirectory = new("--runtime-dir") { Description = "Sockets, live status, lock" };
    private readonly Option<string?> _cacheDirectory = new("--cache-dir") { Description = "Probed QEMU capabilities" };
    private readonly Option<string?> _logDirectory = new("--log-dir") { Description = "One log per domain" };
    private readonly Option<string[]> _listen = new("--listen", "-l") { Description = "Serve TCP on ADDRESS:PORT, also as tcp://ADDRESS:PORT, without authentication or encryption; or TLS, as tls://ADDRESS:PORT; repeatable" };
    private readonly Option<string?> _unixSocketDirectory = new("--unix-socket-dir") { Description = "Where libvirt-sock, libvirt-sock-ro and libvirt-admin-sock appear (default: RUNTIME-DIR)" };
    private readonly Option<bool> _libvirtSockets = new("--libvirt-sockets") { Description = "Take libvirtd's own socket paths, so that clients need no socket in their URI" };
    private readonly Option<string?> _hostname = new("--hostname") { Description = "Name of this host towards migration peers" };
    private readonly Option<Guid?> _hostUuid = new("--host-uuid") { Description = "Identity of this host (default: generated once, kept in STATE-DIR)" };
    private readonly Option<string?> _pidFile = new("--pid-file", "-p") { Description = "File to write the process id to" };
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "Log at debug level" };

    public DaemonCommandLine()
    {
        Root = new RootCommand("wherryd - virtualization management daemon, compatible with libvirtd")
        {
            _session, _config, _qemuConfig, _configDirectory, _stateDirectory, _runtimeDirectory, _cacheDirectory, _logDirectory, _listen,
            _unixSocketDirectory, _libvirtSockets, _hostname, _hostUuid, _pidFile, _verbose,
        };
    }

    public RootCommand Root { get; }

    /// <summary>Reads the files named by the arguments and puts all together.</summary>
    /// <exception cref="WherryException">ConfSyntax or InvalidArg, saying which file, line, key or option.</exception>
    public async Task<DaemonOptions> ResolveAsync(ParseResult arguments, Func<string, string?> environment, uint uid, uint gid)
    {
        // The resolver is asked first, since it may have to ask others.
        var hostname = arguments.GetValue(_hostname) is { } named ? Task.FromResult(named) : Task.Run(Hostname.Resolve);
        var session = arguments.GetValue(_session) || (uid != 0 && arguments.GetValue(_stateDirectory) is null);
        var defaults = session ? DaemonPaths.ForSession(environment, uid) : DaemonPaths.ForSystem;
        string Directory(Option<string?> option, string fallback) => Path.GetFullPath(arguments.GetValue(option) ?? fallback);
        var paths = new DaemonPaths(
            Directory(_configDirectory, defaults.Config),
            Directory(_stateDirectory, defaults.State),
            Directory(_runtimeDirectory, defaults.Runtime),
            Directory(_cacheDirectory, arguments.GetValue(_stateDirectory) is { } state ? Path.Combine(state, "cache") : defaults.Cache),
            Directory(_logDirectory, arguments.GetValue(_stateDirectory) is { } own ? Path.Combine(own, "log") : defaults.Log));

        var daemonFile = ReadFile(arguments.GetValue(_config), Path.Combine(paths.Config, "wherryd.conf"));
        var qemuFile = ReadFile(arguments.GetValue(_qemuConfig), Path.Combine(paths.Config, "qemu.conf"));
        var daemon = LibvirtdSettings.Read(daemonFile);
        var qemu = QemuSettings.Read(qemuFile);
        return new DaemonOptions
        {
            IsPrivileged = !session,
            Uid = uid,
            Gid = gid,
            Paths = paths,
            UserConfiguration = session ? DaemonPaths.UserConfiguration(environment) : null,
            Hostname = await hostname,
            HostUuid = arguments.GetValue(_hostUuid) ?? daemon.HostUuid ?? HostIdentity.LoadOrCreate(paths.State),
            Listen = Listen(arguments.GetValue(_listen) ?? [], "tcp", daemon.Listen),
            ListenTls = Listen(arguments.GetValue(_listen) ?? [], "tls", daemon.ListenTls),
            Tls = daemon.Tls,
            ServerTlsFiles = daemon.Tls.Over(UsualTlsFiles(paths, session, environment, TlsRole.Server)),
            ClientTlsFiles = UsualTlsFiles(paths, session, environment, TlsRole.Client),
            UnixSocketDirectory = arguments.GetValue(_libvirtSockets)
                ? Path.Combine(Path.GetDirectoryName(defaults.Runtime)!, "libvirt")
                : Path.GetFullPath(arguments.GetValue(_unixSocketDirectory) ?? daemon.UnixSocketDirectory ?? paths.Runtime),
            UnixReadWriteMode = daemon.UnixReadWriteMode ?? (UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute),
            UnixReadOnlyMode = daemon.UnixReadOnlyMode ?? (UnixFileMode)0b111_111_111,
            UnixAdminMode = daemon.UnixAdminMode ?? (UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute),
            AdminRpc = daemon.AdminRpc,
            AdminMaxQueuedClients = daemon.AdminMaxQueuedClients ?? DaemonOptions.DefaultAdminMaxQueuedClients,
            UnixGroup = daemon.UnixGroup is { } group ? UnixNames.FindGroup(group) : null,
            Rpc = daemon.Rpc,
            MaxQueuedClients = daemon.MaxQueuedClients ?? Rpc.RpcServerOptions.DefaultMaxQueuedClients,
            Qemu = qemu,
            Log = arguments.GetValue(_verbose) ? daemon.Log with { Level = Microsoft.Extensions.Logging.LogLevel.Debug } : daemon.Log,
            PidFile = arguments.GetValue(_pidFile),
            UnknownSettings = [.. Unknown(daemonFile), .. Unknown(qemuFile)],
        };
    }

    /// <summary>A file that was named must exist; one in its usual place need not.</summary>
    private static ConfFile ReadFile(string? named, string usual)
    {
        if (named is null && !File.Exists(usual))
            return ConfFile.Empty;
        var path = named ?? usual;
        try
        {
            return ConfFile.Parse(path, File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WherryException(ErrorCode.SystemError, $"cannot read '{path}': {e.Message}", ErrorDomain.Conf, e);
        }
    }

    /// <summary>Those of one transport; when any is named, the file's are out of use.</summary>
    private static ImmutableArray<IPEndPoint> Listen(string[] named, string transport, IPEndPoint? configured)
    {
        if (named.Length == 0)
            return configured is null ? [] : [configured];
        var endPoints = ImmutableArray.CreateBuilder<IPEndPoint>(named.Length);
        foreach (var text in named)
        {
            if (ParseListen(text) is var (scheme, endPoint) && scheme == transport)
                endPoints.Add(endPoint);
        }

        return endPoints.ToImmutable();
    }

    private static (string Transport, IPEndPoint EndPoint) ParseListen(string text)
    {
        var (transport, rest) = text.Split("://", 2) is [var scheme, var address] ? (scheme, address.TrimEnd('/')) : ("tcp", text);
        return transport is "tcp" or "tls" && IPEndPoint.TryParse(rest, out var endPoint) && endPoint.Port != 0
            ? (transport, endPoint)
            : throw new WherryException(ErrorCode.InvalidArg, $"--listen '{text}' is not ADDRESS:PORT, tcp://ADDRESS:PORT or tls://ADDRESS:PORT", ErrorDomain.Conf);
    }

    /// <summary>
    /// CONFIG-DIR/pki, laid out like /etc/pki, when there is one, so that daemons side by side can be different hosts; otherwise libvirt's
    /// places.
    /// </summary>
    private static TlsFiles UsualTlsFiles(DaemonPaths paths, bool session, Func<string, string?> environment, TlsRole role)
    {
        var own = Path.Combine(paths.Config, "pki");
        return System.IO.Directory.Exists(own)
            ? TlsFiles.InSystemLayout(own, role)
            : TlsFiles.Usual("/etc/pki", session ? environment("HOME") : null, role);
    }

    private static IEnumerable<string> Unknown(ConfFile file)
    {
        foreach (var (key, line) in file.Unasked)
            yield return string.Create(CultureInfo.InvariantCulture, $"{file.Name}:{line}: {key}");
    }
}
