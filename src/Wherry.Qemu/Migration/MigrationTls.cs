using Wherry.Qmp;
using Wherry.Qmp.Commands;

namespace Wherry.Qemu.Migration;

/// <summary>The certificates with which QEMUs of this host encrypt what they send each other: memory, and disks over NBD (migration.md B4).</summary>
/// <param name="Directory">qemu.conf <c>migrate_tls_x509_cert_dir</c>: ca-cert.pem, {server,client}-cert.pem, {server,client}-key.pem.</param>
/// <param name="VerifyClient"><c>migrate_tls_x509_verify</c>: whether a destination asks its source for a certificate.</param>
/// <param name="Force"><c>migrate_tls_force</c>: nothing leaves or enters this host in the clear.</param>
public sealed record MigrationTls(string Directory, bool VerifyClient = true, bool Force = false)
{
    /// <summary>As libvirt names it, so that a daemon of either kind finds and removes what the other has left.</summary>
    internal const string CredentialsId = "objlibvirt_migrate_tls0";

    /// <summary>What is missing is told before anything is touched, by the name of the file.</summary>
    /// <exception cref="WherryException">OperationInvalid: no such directory. SystemError: a file cannot be read.</exception>
    internal void RequireFiles(MigrationParty party)
    {
        if (!System.IO.Directory.Exists(Directory))
            throw new WherryException(ErrorCode.OperationInvalid, $"host migration TLS directory not configured: there is no {Directory}");

        var end = Endpoint(party);
        string[] files = party == MigrationParty.Source && !File.Exists(Path.Combine(Directory, $"{end}-cert.pem"))
            ? ["ca-cert.pem"] // a source without a certificate of its own is the destination's business
            : ["ca-cert.pem", $"{end}-cert.pem", $"{end}-key.pem"];
        foreach (var file in files.Select(name => Path.Combine(Directory, name)))
        {
            try
            {
                File.OpenRead(file).Dispose();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new WherryException(ErrorCode.SystemError, $"cannot read the migration's TLS file {file}: {e.Message}", inner: e);
            }
        }
    }

    /// <summary>Gives a QEMU the credentials, in place of any that an earlier attempt has left.</summary>
    internal async Task AddAsync(MonitorSession monitor, MigrationParty party, CancellationToken ct)
    {
        await RemoveAsync(monitor, ct);
        await monitor.ExecuteAsync(
            new ObjectAdd(new ObjectOptions("tls-creds-x509", CredentialsId)
            {
                Dir = Directory,
                Endpoint = Endpoint(party),
                VerifyPeer = party == MigrationParty.Source || VerifyClient,
            }),
            ct);
    }

    internal static async Task RemoveAsync(MonitorSession monitor, CancellationToken ct)
    {
        try
        {
            await monitor.ExecuteAsync(new ObjectDel(CredentialsId), ct);
        }
        catch (QmpErrorException)
        {
            // It is not there, which is what was wanted.
        }
    }

    private static string Endpoint(MigrationParty party) => party == MigrationParty.Source ? "client" : "server";
}
