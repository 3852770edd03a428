using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LlavaCluster.Silo.Commands;
using LlavaCluster.Silo.Hosting;

namespace LlavaCluster.Silo.Security;

/// <summary>
/// By what processes of one cluster know each other: each has a certificate of the cluster's own authority, for the name that all of them
/// share. Both ends of every connection must show theirs. Any thread.
/// </summary>
internal sealed class SiloTls : IDisposable
{
    /// <summary>The name that every silo's certificate is for: another certificate of the same authority opens nothing here.</summary>
    public const string Name = "llava-silo";

    private readonly X509Certificate2 _own;
    private readonly X509Certificate2 _authority;
    private readonly SslStreamCertificateContext _shown;

    private SiloTls(X509Certificate2 own, X509Certificate2 authority)
    {
        (_own, _authority) = (own, authority);
        // Offline: nothing is fetched over the network to complete a chain.
        _shown = SslStreamCertificateContext.Create(own, [authority], offline: true);
    }

    /// <summary>Reads what is configured, and tries it on this process's own certificate: a handshake that fails later says less.</summary>
    /// <returns>Null when nothing is configured.</returns>
    /// <exception cref="UserErrorException">A file cannot be used.</exception>
    public static SiloTls? Open(FleetOptions fleet)
    {
        if (fleet.TlsCertificate.Length == 0)
        {
            return null;
        }

        try
        {
            var tls = new SiloTls(
                X509Certificate2.CreateFromPemFile(fleet.TlsCertificate, fleet.TlsKey),
                X509CertificateLoader.LoadCertificateFromFile(fleet.TlsAuthority));
            tls.CheckOwn(fleet);
            return tls;
        }
        catch (Exception error) when (error is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserErrorException(
                $"Certificate '{fleet.TlsCertificate}', key '{fleet.TlsKey}' and authority '{fleet.TlsAuthority}' cannot be used: {error.Message} "
                + "deploy/dev-ca.sh makes such files.",
                error);
        }
    }

    /// <summary>For the end that is called.</summary>
    public SslServerAuthenticationOptions Called() => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        ServerCertificateContext = _shown,
        ClientCertificateRequired = true,
        CertificateChainPolicy = Policy(),
        RemoteCertificateValidationCallback = IsSilo,
    };

    /// <summary>For the end that calls.</summary>
    public SslClientAuthenticationOptions Calling() => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        TargetHost = Name,
        ClientCertificateContext = _shown,
        CertificateChainPolicy = Policy(),
        RemoteCertificateValidationCallback = IsSilo,
    };

    /// <summary>
    /// Wraps a connection between ranks (<see cref="Core.Links.SecureStream"/>). Blocks; the socket's own time limits hold.
    /// </summary>
    /// <exception cref="AuthenticationException">The other end has no certificate of this cluster.</exception>
    public Stream Secure(Stream stream, bool isCaller)
    {
        var secure = new SslStream(stream, leaveInnerStreamOpen: false);
        try
        {
            if (isCaller)
            {
                secure.AuthenticateAsClient(Calling());
            }
            else
            {
                secure.AuthenticateAsServer(Called());
            }

            return secure;
        }
        catch
        {
            secure.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _own.Dispose();
        _authority.Dispose();
    }

    private void CheckOwn(FleetOptions fleet)
    {
        using var chain = new X509Chain { ChainPolicy = Policy() };
        if (!chain.Build(_own))
        {
            throw new UserErrorException(
                $"Certificate '{fleet.TlsCertificate}' is none of authority '{fleet.TlsAuthority}': {chain.ChainStatus[0].StatusInformation.TrimEnd()}. "
                + "Have that one sign it; deploy/dev-ca.sh does.");
        }

        if (!_own.MatchesHostname(Name))
        {
            throw new UserErrorException(
                $"Certificate '{fleet.TlsCertificate}' is not for the name {Name}, by which silos know each other. Have it made for that; deploy/dev-ca.sh does.");
        }
    }

    /// <summary>The other end's certificate is of our authority alone, in time, and a silo's.</summary>
    private static bool IsSilo(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        errors == SslPolicyErrors.None && certificate is X509Certificate2 shown && shown.MatchesHostname(Name);

    private X509ChainPolicy Policy() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        CustomTrustStore = { _authority },
        RevocationMode = X509RevocationMode.NoCheck,
    };
}
