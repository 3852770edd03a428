using Grpc.Core;
using LlavaCluster.Protos;
using Xunit;

namespace LlavaCluster.Cluster.Tests.Processes;

/// <summary>Who may see which sessions there are: their ids are secrets.</summary>
public sealed class SessionListTests : IDisposable
{
    private readonly ScratchFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task List_WhereOthersReachTheServer_IsDenied()
    {
        await using var silo = await SiloProcess.StartAsync(_folder.Of("data"), "--bind", "0.0.0.0");

        var denied = await Assert.ThrowsAsync<RpcException>(() => ListAsync(silo));

        Assert.Equal(
            (StatusCode.PermissionDenied,
                "This server does not list its sessions: their ids are secrets, and it does not tell its callers apart. --list-sessions true makes it."),
            (denied.StatusCode, denied.Status.Detail));
    }

    [Fact]
    public async Task List_WhereItIsAllowed_Lists()
    {
        await using var silo = await SiloProcess.StartAsync(_folder.Of("data"), "--bind", "0.0.0.0", "--list-sessions", "true");
        var answer = await silo.ChatAsync("", 1, new Part { Text = "Hello?" });

        Assert.Equal([answer.Started.SessionId], await ListAsync(silo));
    }

    private static async Task<string[]> ListAsync(SiloProcess silo)
    {
        var listed = new List<string>();
        await foreach (var session in silo.Client.ListSessionsAsync().Bounded())
        {
            listed.Add(session.SessionId);
        }

        return [.. listed];
    }
}
