namespace LlavaCluster.Cluster.Tests.Fleet;

/// <summary>A silo that is at this address.</summary>
internal sealed class FakeLocalSilo(SiloAddress address) : ILocalSiloDetails
{
    public string Name => "here";

    public string ClusterId => "cluster";

    public string DnsHostName => "localhost";

    public SiloAddress SiloAddress => address;

    public SiloAddress GatewayAddress => address;
}
