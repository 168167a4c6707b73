using System.Diagnostics;

namespace Wherry.Errors;

/// <summary>
/// The fixed words that libvirt puts before each error's detail. A client prints what the server sends, and scripts match on
/// these words ("error: Domain not found: …"), so they are part of the interface: code 42 without a detail reads
/// "Domain not found", with one "Domain not found: detail".
/// </summary>
public static class ErrorTexts
{
    /// <summary>The text a client prints for <paramref name="code"/> with this detail.</summary>
    public static string Compose(ErrorCode code, string? detail) =>
        detail is null ? Find(code).Bare : Find(code).WithDetail.Replace("%s", detail, StringComparison.Ordinal);

    /// <summary>
    /// The pattern behind <see cref="Compose"/>, "%s" standing for the detail. libvirt sends it as <c>str1</c> of its remote_error,
    /// and bindings expose it (<c>get_str1()</c> in Python).
    /// </summary>
    public static string Pattern(ErrorCode code, bool hasDetail) => hasDetail ? Find(code).WithDetail : Find(code).Bare;

    private static Text Find(ErrorCode code) => code switch
    {
        ErrorCode.InternalError => new("internal error"),
        ErrorCode.NoMemory => new("out of memory"),
        ErrorCode.NoSupport => new("this function is not supported by the connection driver"),
        ErrorCode.InvalidArg => new("invalid argument"),
        ErrorCode.OperationFailed => new("operation failed"),
        ErrorCode.GetFailed => new("GET operation failed"),
        ErrorCode.PostFailed => new("POST operation failed"),
        ErrorCode.SexprSerial => new("failed to serialize S-Expr"),
        ErrorCode.NoKernel => new("missing kernel information"),
        ErrorCode.CallFailed => new("library call failed"),
        ErrorCode.ConfSyntax => new("configuration file syntax error"),
        ErrorCode.WriteFailed => new("failed to write configuration file"),
        ErrorCode.WarNoNetwork => new("Failed to find the network"),
        ErrorCode.NoDomain => new("Domain not found"),
        ErrorCode.NoNetwork => new("Network not found"),
        ErrorCode.InvalidMac => new("invalid MAC address"),
        ErrorCode.AuthFailed => new("authentication failed"),
        ErrorCode.WarNoStorage => new("Failed to find a storage driver"),
        ErrorCode.NoStoragePool => new("Storage pool not found"),
        ErrorCode.NoStorageVol => new("Storage volume not found"),
        ErrorCode.WarNoNode => new("Failed to find a node driver"),
        ErrorCode.NoNodeDevice => new("Node device not found"),
        ErrorCode.NoSecurityModel => new("Security model not found"),
        ErrorCode.OperationInvalid => new("Requested operation is not valid"),
        ErrorCode.WarNoInterface => new("Failed to find the interface"),
        ErrorCode.NoInterface => new("Interface not found"),
        ErrorCode.MultipleInterfaces => new("multiple matching interfaces found"),
        ErrorCode.WarNoNwfilter => new("Failed to start the nwfilter driver"),
        ErrorCode.InvalidNwfilter => new("Invalid network filter"),
        ErrorCode.NoNwfilter => new("Network filter not found"),
        ErrorCode.BuildFirewall => new("Error while building firewall"),
        ErrorCode.WarNoSecret => new("Failed to find a secret storage driver"),
        ErrorCode.InvalidSecret => new("Invalid secret"),
        ErrorCode.NoSecret => new("Secret not found"),
        ErrorCode.ConfigUnsupported => new("unsupported configuration"),
        ErrorCode.OperationTimeout => new("Timed out during operation"),
        ErrorCode.MigratePersistFailed => new("Failed to make domain persistent after migration"),
        ErrorCode.HookScriptFailed => new("Hook script execution failed"),
        ErrorCode.InvalidDomainSnapshot => new("Invalid domain snapshot"),
        ErrorCode.NoDomainSnapshot => new("Domain snapshot not found"),
        ErrorCode.ArgumentUnsupported => new("argument unsupported"),
        ErrorCode.StorageProbeFailed => new("Storage pool probe failed"),
        ErrorCode.StoragePoolBuilt => new("Storage pool already built"),
        ErrorCode.SnapshotRevertRisky => new("revert requires force"),
        ErrorCode.OperationAborted => new("operation aborted"),
        ErrorCode.AuthCancelled => new("authentication cancelled"),
        ErrorCode.NoDomainMetadata => new("metadata not found"),
        ErrorCode.MigrateUnsafe => new("Unsafe migration"),
        ErrorCode.Overflow => new("numerical overflow"),
        ErrorCode.BlockCopyActive => new("block copy still active"),
        ErrorCode.OperationUnsupported => new("Operation not supported"),
        ErrorCode.Ssh => new("SSH transport error"),
        ErrorCode.AgentUnresponsive => new("Guest agent is not responding"),
        ErrorCode.ResourceBusy => new("resource busy"),
        ErrorCode.AccessDenied => new("access denied"),
        ErrorCode.DbusService => new("error from service"),
        ErrorCode.CpuIncompatible => new("the CPU is incompatible with host CPU"),
        ErrorCode.XmlInvalidSchema => new("XML document failed to validate against schema"),
        ErrorCode.MigrateFinishOk => new("migration successfully aborted"),
        ErrorCode.AuthUnavailable => new("authentication unavailable"),
        ErrorCode.NoServer => new("Server not found"),
        ErrorCode.NoClient => new("Client not found"),
        ErrorCode.AgentUnsynced => new("guest agent replied with wrong id to guest-sync command"),
        ErrorCode.Libssh => new("libssh transport error"),
        ErrorCode.DeviceMissing => new("device not found"),
        ErrorCode.InvalidNwfilterBinding => new("Invalid network filter binding"),
        ErrorCode.NoNwfilterBinding => new("Network filter binding not found"),
        ErrorCode.InvalidDomainCheckpoint => new("Invalid domain checkpoint"),
        ErrorCode.NoDomainCheckpoint => new("Domain checkpoint not found"),
        ErrorCode.NoDomainBackup => new("Domain backup job id not found"),
        ErrorCode.InvalidNetworkPort => new("Invalid network port pointer"),
        ErrorCode.NoNetworkPort => new("network port not found"),
        ErrorCode.NoHostname => new("no hostname found"),
        ErrorCode.CheckpointInconsistent => new("checkpoint inconsistent"),
        ErrorCode.MultipleDomains => new("multiple matching domains found"),
        ErrorCode.NoNetworkMetadata => new("metadata not found"),
        ErrorCode.AgentCommandTimeout => new("guest agent command timed out"),
        ErrorCode.AgentCommandFailed => new("guest agent command failed"),

        // The detail completes the sentence.
        ErrorCode.UnknownHost => new("unknown host", " %s"),
        ErrorCode.InvalidConn => new("invalid connection pointer in", " %s"),
        ErrorCode.InvalidDomain => new("invalid domain pointer in", " %s"),
        ErrorCode.HttpError => new("got unknown HTTP error code", " %s"),
        ErrorCode.NoXen => new("could not use Xen hypervisor entry", " %s"),
        ErrorCode.XenCall => new("failed Xen syscall", " %s"),
        ErrorCode.OsType => new("unknown OS type", " %s"),
        ErrorCode.NoSource => new("missing source information for device", " %s"),
        ErrorCode.NoTarget => new("missing target information for device", " %s"),
        ErrorCode.NoXenstore => new("could not connect to Xen Store", " %s"),
        ErrorCode.OpenFailed => new("failed to open configuration file", " %s"),
        ErrorCode.ReadFailed => new("failed to read configuration file", " %s"),
        ErrorCode.ParseFailed => new("failed to parse configuration file", " %s"),
        ErrorCode.InvalidNetwork => new("invalid network pointer in", " %s"),
        ErrorCode.InvalidStoragePool => new("invalid storage pool pointer in", " %s"),
        ErrorCode.InvalidStorageVol => new("invalid storage volume pointer in", " %s"),
        ErrorCode.InvalidInterface => new("invalid interface pointer in", " %s"),
        ErrorCode.NoConnect => new("no connection driver available", " for %s"),
        ErrorCode.NoRoot => new("missing root device information", " in %s"),
        ErrorCode.NoName => new("missing name information", " in %s"),
        ErrorCode.NoOs => new("missing operating system information", " for %s"),
        ErrorCode.NoDevice => new("missing devices information", " for %s"),
        ErrorCode.DriverFull => new("too many drivers registered", " in %s"),
        ErrorCode.InvalidNodeDevice => new("invalid node device pointer", " in %s"),
        ErrorCode.InvalidStream => new("invalid stream pointer", " in %s"),

        // The detail has a wording of its own.
        ErrorCode.XmlError => new("XML description is invalid or not well formed") { WithDetail = "XML error: %s" },
        ErrorCode.DomExist => new("this domain exists already") { WithDetail = "domain %s exists already" },
        ErrorCode.OperationDenied => new("operation forbidden for read only access") { WithDetail = "operation forbidden: %s" },
        ErrorCode.XmlDetail => new("parser error") { WithDetail = "%s" },
        ErrorCode.NetworkExist => new("this network exists already") { WithDetail = "network %s exists already" },
        ErrorCode.SystemError => new("system call error") { WithDetail = "%s" },
        ErrorCode.Rpc => new("RPC error") { WithDetail = "%s" },
        ErrorCode.GnutlsError => new("GNUTLS call error") { WithDetail = "%s" },
        ErrorCode.StorageVolExist => new("this storage volume exists already") { WithDetail = "storage volume %s exists already" },
        ErrorCode.NetworkPortExist => new("this network port exists already") { WithDetail = "network port %s exists already" },

        // A code of a newer peer: its number is all we know.
        _ => new("error " + ((int)code).ToString()),
    };

    /// <param name="Bare">The whole text when there is no detail.</param>
    /// <param name="Tail">What follows <paramref name="Bare"/> when there is one.</param>
    [DebuggerDisplay("{WithDetail}")]
    private readonly record struct Text(string Bare, string Tail = ": %s")
    {
        public string WithDetail { get => field ?? Bare + Tail; init; }
    }
}
