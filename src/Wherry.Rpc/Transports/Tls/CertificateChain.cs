using System.Security.Cryptography.X509Certificates;

namespace Wherry.Rpc.Transports.Tls;

/// <summary>Does a chain of signatures lead from a certificate to one that is trusted?</summary>
internal static class CertificateChain
{
    /// <param name="intermediates">Certificates that came with it. They prove nothing by themselves.</param>
    /// <param name="authorities">Those trusted, each by itself: the chain may end at an intermediate one that is listed here.</param>
    /// <returns>Why not, or null when it does.</returns>
    public static string? Refuse(
        X509Certificate2 certificate, X509Certificate2Collection intermediates, X509Certificate2Collection authorities, RevocationList revoked,
        TimeProvider time)
    {
        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(authorities);
        policy.ExtraStore.AddRange(intermediates);
        policy.RevocationMode = X509RevocationMode.NoCheck; // ours are in a file; see below
        policy.DisableCertificateDownloads = true;
        policy.VerificationTime = time.GetLocalNow().DateTime;
        // An authority that is not a root would be "unknown"; whether we know one of the chain is asked below.
        policy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
        var isValid = chain.Build(certificate);

        if (chain.ChainElements.Any(element => revoked.Contains(element.Certificate))) return "The certificate has been revoked.";
        if (!chain.ChainElements.Skip(1).Any(element => authorities.Contains(element.Certificate)))
            return "The certificate hasn't got a known issuer.";
        if (isValid) return null;
        var status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, one) => all | one.Status);
        return (status & X509ChainStatusFlags.NotTimeValid) != 0
            ? "The certificate is not trusted: it, or one of those that signed it, has expired or is not yet active."
            : $"The certificate is not trusted: {status}.";
    }
}
