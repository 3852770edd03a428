using System.Net;
using LlavaCluster.Silo.Api;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace LlavaCluster.Silo.Hosting;

/// <summary>
/// The process's HTTP and gRPC ports. The edge starts first and stops last, so that probes and clients are answered
/// while the weights load
/// and while the process drains.
/// </summary>
internal sealed class WebEdge(NodeSettings settings)
{
    private const string Ready = "ready";

    /// <summary>What gRPC puts around a message.</summary>
    private const int FramingBytes = 64 << 10;

    private ListenOptions? _http;
    private ListenOptions? _grpc;

    /// <summary>Port that HTTP is answered at, once started.</summary>
    public int HttpPort => _http!.IPEndPoint!.Port;

    /// <summary>Port that gRPC is answered at, once started.</summary>
    public int GrpcPort => _grpc!.IPEndPoint!.Port;

    /// <summary>Describes the edge to the host.</summary>
    public void Configure(IWebHostBuilder web)
    {
        web.UseKestrel(Listen).ConfigureServices(AddServices).Configure(Map);
    }

    private void Listen(KestrelServerOptions kestrel)
    {
        var address = IPAddress.Parse(settings.Node.Bind);
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = settings.MaxRequestBytes + FramingBytes;
        kestrel.Listen(address, settings.Node.Http, listen => _http = listen);
        // Without TLS one port cannot tell HTTP/2 from HTTP/1.1: gRPC has its own.
        kestrel.Listen(address, settings.Node.Grpc, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            _grpc = listen;
        });
    }

    private void AddServices(IServiceCollection services)
    {
        services.AddRouting();
        services.AddSingleton<ImageIntake>();
        services.AddSingleton<TurnRelay>();
        services.AddSingleton<SessionPages>();
        services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = (int)settings.MaxRequestBytes)
            .AddServiceOptions<LlavaService>(service => service.Interceptors.Add<StatusInterceptor>());
        services.AddGrpcReflection();
        services.AddHealthChecks().AddCheck<HealthOfEngine>(Ready);
        services.AddGrpcHealthChecks(health => health.Services.Map("llava.v1.Llava", _ => true));
        services.Configure<HealthCheckPublisherOptions>(publisher =>
        {
            publisher.Delay = TimeSpan.Zero;
            publisher.Period = TimeSpan.FromSeconds(5);
        });
    }

    private void Map(IApplicationBuilder app)
    {
        app.UseRouting();
        app.UseEndpoints(endpoints =>
        {
            endpoints.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
            endpoints.MapHealthChecks("/health/ready");
            endpoints.MapGrpcHealthChecksService();
            endpoints.MapGrpcReflectionService();
            if (settings.Node.RoleList.Contains("gateway"))
            {
                endpoints.MapGrpcService<LlavaService>();
            }
        });
    }
}
