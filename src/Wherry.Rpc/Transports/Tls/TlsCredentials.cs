using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Wherry.Errors;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>
/// What one end shows and whom it trusts, loaded from files and looked over, so that a certificate that cannot work is an error of the start
/// that names the file, and not a riddle at the first connection. Texts are those of libvirt's virnettlscontext.c.
/// </summary>
public sealed class TlsCredentials
{
    /// <summary>libvirt's limit.</summary>
    private const int MaxCaCertificates = 16;

    /// <summary>Of a file of certificates; libvirt's limit.</summary>
    private const int MaxFileBytes = 1 << 16;

    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    private TlsCredentials(
        X509Certificate2Collection authorities, RevocationList revoked, SslStreamCertificateContext? own, TlsRole role, SslProtocols protocols,
        TimeProvider time, ILogger logger)
    {
        Authorities = authorities;
        Revoked = revoked;
        Own = own;
        Role = role;
        Protocols = protocols;
        _time = time;
        _logger = logger;
    }

    internal X509Certificate2Collection Authorities { get; }

    internal RevocationList Revoked { get; }

    /// <summary>Null only for a client that has no certificate; most servers will refuse it.</summary>
    internal SslStreamCertificateContext? Own { get; }

    internal TlsRole Role { get; }

    internal SslProtocols Protocols { get; }

    /// <param name="sanityCheck">False for <c>tls_no_sanity_certificate</c> and <c>no_sanity</c>: files must still exist and be readable.</param>
    /// <param name="priority">A GnuTLS priority string; see <see cref="TlsPriority"/>.</param>
    /// <exception cref="WherryException">SYSTEM_ERROR naming the file and what is wrong with it. CONF_SYNTAX: the priority.</exception>
    public static TlsCredentials Load(
        TlsFiles files, TlsRole role, bool sanityCheck, string? priority, TimeProvider time, ILogger logger)
    {
        var protocols = TlsPriority.Read(priority);
        var authorities = LoadAuthorities(files.CaCertificates);
        var chain = LoadChain(files, role);
        var checks = new CertificateChecks(time, logger);
        if (sanityCheck)
        {
            if (chain is not null) checks.CheckOwn(chain[0], files.Certificate, role);
            foreach (var authority in authorities) checks.CheckAuthority(authority, files.CaCertificates);
            if (chain is not null) CheckPair(chain, authorities, files, time);
        }

        var context = chain is null ? null : SslStreamCertificateContext.Create(chain[0], Rest(chain), offline: true);
        return new TlsCredentials(authorities, LoadRevoked(files.RevocationList), context, role, protocols, time, logger);
    }

    /// <summary>The other end's certificate: signed by one that we trust, not revoked, in its time, made for this use.</summary>
    /// <returns>Why not, or null when it will do.</returns>
    internal string? Refuse(X509Certificate2? certificate, X509Certificate2Collection intermediates)
    {
        if (certificate is null) return "Unable to verify TLS peer: No certificate was found.";
        if (CertificateChain.Refuse(certificate, intermediates, Authorities, Revoked, _time) is { } reason)
            return $"Certificate failed validation: {reason}";
        try
        {
            new CertificateChecks(_time, _logger).CheckOwn(certificate, "[session]", Role == TlsRole.Server ? TlsRole.Client : TlsRole.Server);
            return null;
        }
        catch (WherryException e)
        {
            return e.Detail;
        }
    }

    private static X509Certificate2Collection LoadAuthorities(string file)
    {
        var text = ReadText(file, "CA certificate");
        var found = new X509Certificate2Collection();
        try
        {
            found.ImportFromPem(text);
        }
        catch (CryptographicException e)
        {
            throw Unusable($"Unable to import CA certificate list {file}: {e.Message}", e);
        }

        if (found.Count is 0 or > MaxCaCertificates)
            throw Unusable($"Unable to import CA certificate list {file}: it has {found.Count} certificates, not 1 to {MaxCaCertificates}");
        return found;
    }

    /// <summary>Our certificate, with its key, and those that follow it in the file.</summary>
    private static X509Certificate2Collection? LoadChain(TlsFiles files, TlsRole role)
    {
        // A client that lacks either has no certificate; libvirt goes on without, and the server decides.
        if (role == TlsRole.Client && !(File.Exists(files.Certificate) && File.Exists(files.Key))) return null;
        var certificates = ReadText(files.Certificate, "certificate");
        var key = ReadText(files.Key, "private key");
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(certificates);
        }
        catch (CryptographicException e)
        {
            throw Unusable($"Unable to import {Word(role)} certificate {files.Certificate}: {e.Message}", e);
        }

        if (chain.Count == 0) throw Unusable($"Unable to import {Word(role)} certificate {files.Certificate}: there is none in the file");
        try
        {
            chain[0] = X509Certificate2.CreateFromPem(certificates, key);
            return chain;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw Unusable($"Unable to set x509 key and certificate: {files.Key}, {files.Certificate}: {e.Message}", e);
        }
    }

    private static RevocationList LoadRevoked(string file)
    {
        if (!File.Exists(file)) return RevocationList.Empty;
        try
        {
            return RevocationList.Parse(ReadText(file, "CA revocation list"));
        }
        catch (CryptographicException e)
        {
            throw Unusable($"Unable to set x509 certificate revocation list: {file}: {e.Message}", e);
        }
    }

    private static void CheckPair(X509Certificate2Collection chain, X509Certificate2Collection authorities, TlsFiles files, TimeProvider time)
    {
        if (CertificateChain.Refuse(chain[0], Rest(chain), authorities, RevocationList.Empty, time) is { } reason)
            throw Unusable($"Our own certificate {files.Certificate} failed validation against {files.CaCertificates}: {reason}");
    }

    private static X509Certificate2Collection Rest(X509Certificate2Collection chain) => [.. chain.Skip(1)];

    private static string ReadText(string file, string what)
    {
        try
        {
            if (new FileInfo(file) is { Exists: true, Length: > MaxFileBytes })
                throw Unusable($"Cannot read {what} '{file}': it is larger than {MaxFileBytes} bytes");
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw WherryException.FromErrno(Errno.NoEntry, $"Cannot read {what} '{file}'", ErrorDomain.Rpc);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable($"Cannot read {what} '{file}': {e.Message}", e);
        }
    }

    private static string Word(TlsRole role) => role == TlsRole.Server ? "server" : "client";

    private static WherryException Unusable(string message, Exception? inner = null) =>
        new(ErrorCode.SystemError, message, ErrorDomain.Rpc, inner);
}
