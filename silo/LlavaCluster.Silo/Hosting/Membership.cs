using System.Net;
using LlavaCluster.Grains.Storage;
using Orleans.Clustering.Redis;
using Orleans.Configuration;

namespace LlavaCluster.Silo.Hosting;

/// <summary>How a process finds the others of its cluster, and how soon a lost one is noticed.</summary>
internal static class Membership
{
    /// <summary>Tells the silo.</summary>
    /// <param name="silo">The silo.</param>
    /// <param name="fleet">What was configured.</param>
    /// <param name="siloPort">Port for the other silos.</param>
    /// <param name="redis">The connection to Redis, if it is configured.</param>
    public static void Configure(ISiloBuilder silo, FleetOptions fleet, int siloPort, RedisConnection? redis)
    {
        if (fleet.Membership == "localhost")
        {
            silo.UseLocalhostClustering(siloPort, gatewayPort: 0);
        }
        else
        {
            silo.UseRedisClustering(options =>
            {
                options.ConfigurationOptions = RedisConnection.Options(fleet.Redis);

                // It was reached a moment ago; this connection is not begun again by anybody else.
                options.ConfigurationOptions.ConnectRetry = 5;
            });
            silo.Configure<ClusterOptions>(
                options => (options.ClusterId, options.ServiceId) = (fleet.Cluster, fleet.Cluster));
            var cluster = new ClusterOptions { ClusterId = fleet.Cluster, ServiceId = fleet.Cluster };
            silo.Services.AddHostedService(services => new RedisMembershipKeeper(
                redis!,
                RedisClusteringOptions.DefaultCreateRedisKey(cluster),
                services.GetRequiredService<TimeProvider>(),
                services.GetRequiredService<ILogger<RedisMembershipKeeper>>()));
            // Only silos talk to silos: there is no gateway port for Orleans' own clients.
            silo.Configure<EndpointOptions>(
                options => (options.AdvertisedIPAddress, options.SiloPort, options.GatewayPort) =
                    (IPAddress.Parse(fleet.SiloAddress), siloPort, 0));
        }

        // A silo that froze is found after MaxProbeTimeout × NumMissedProbesLimit, one that died as soon as two others cannot connect.
        silo.Configure<ClusterMembershipOptions>(options =>
        {
            options.ProbeTimeout = options.MaxProbeTimeout = TimeSpan.FromSeconds(1);
            options.NumMissedProbesLimit = 3;
            options.NumVotesForDeathDeclaration = 2;
            // A silo that the others do not let in says so, and does not wait for minutes.
            options.MaxJoinAttemptTime = TimeSpan.FromMinutes(1);
            options.TableRefreshTimeout = options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
        });
    }
}
