using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using LlavaCluster.Core.Links;
using LlavaCluster.Silo.Hosting;
using LlavaCluster.Silo.Security;

namespace LlavaCluster.Model.Tests.Collectives;

/// <summary>An authority, a certificate of it for ranks, and the TLS of a silo that has both.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llava-authority-");
    private readonly SiloTls _tls;

    public TestAuthority()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Authority of a test", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        request = new CertificateRequest("CN=rank", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(SiloTls.Name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, now.AddDays(-1), now.AddDays(1), [1]);
        Certificate = certificate.CopyWithPrivateKey(key);

        _tls = SiloTls.Open(new FleetOptions
        {
            TlsAuthority = Write("ca.pem", authority.ExportCertificatePem()),
            TlsCertificate = Write("rank.pem", certificate.ExportCertificatePem()),
            TlsKey = Write("rank.key", key.ExportPkcs8PrivateKeyPem()),
        })!;
    }

    /// <summary>The rank's, with its key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>What a silo wraps its connections to other ranks with.</summary>
    public SecureStream Secure => _tls.Secure;

    public void Dispose()
    {
        _tls.Dispose();
        Certificate.Dispose();
        _folder.Delete(recursive: true);
    }

    private string Write(string name, string text)
    {
        var file = Path.Combine(_folder.FullName, name);
        File.WriteAllText(file, text);
        return file;
    }
}
